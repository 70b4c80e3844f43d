/** Client ID Metadata Documents: a client_id that is the URL of the client's own registration. */
import type { Model } from "../../core/model/model.ts";
import type { ClientNeeds } from "./authenticate.ts";
import type { Client } from "./model.ts";

/**
 * The client a client_id names where people begin: at authorize, PAR and device authorization. As `findClient`, and for a metadata
 * document's URL that is not known yet, or has grown old, it is fetched first, if the host's policy has them on.
 */
export const obtainClient = async (
  _needs: ClientNeeds & { readonly model: Model },
  _clientId: string,
): Promise<Client | undefined> => {
  throw new Error("not there yet");
};
