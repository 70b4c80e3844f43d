/** Resource indicators (RFC 8707): which servers a token is meant for. */
import { fault, type Result } from "../../core/faults.ts";
import type { Form } from "../platform/web/request.ts";

const resourcesMax = 10;
const resourceLengthMax = 500;

/** §2: absolute URIs without a fragment. None where the parameter is absent: the token is then for this server. */
export const readResources = (form: Form): Result<readonly string[]> => {
  const given = form.resource;
  if (given === undefined || given === "") return [];
  const resources = typeof given === "string" ? [given] : given;
  return resources.length <= resourcesMax && resources.every(isTarget)
    ? [...new Set(resources)]
    : fault("invalid_target", "each `resource` must be an absolute URI without a fragment");
};

const isTarget = (uri: string): boolean =>
  uri.length <= resourceLengthMax && !uri.includes("#") && /^[a-z][a-z0-9+.-]*:/i.test(uri) && URL.canParse(uri);
