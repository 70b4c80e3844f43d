/** How much mail strangers can cause: for one letter box, and from one address. The same whether or not the letter box is anybody's. */
import type { Fault } from "../../core/faults.ts";
import { addressClass } from "../platform/web/address.ts";
import type { SignIn, Visit } from "./needs.ts";

/** Undefined where the mail may be sent. A full letter box is no fault, which would tell: it is left alone, silently. */
export const countMail = async (
  { limits }: Pick<SignIn, "limits">,
  email: string,
  request: Visit,
): Promise<Fault | "enough" | undefined> => {
  const refused = await limits.take("mail.address", addressClass(request.address()));
  if (refused !== undefined) return refused;
  return (await limits.take("mail.recipient", email.toLowerCase())) === undefined ? undefined : "enough";
};
