/** For the tests of a service: an issuer of one's own, and a proof that tenants are kept apart. */
export {
  type AskedQuestion,
  type DecisionFunction,
  type GivenAnswer,
  type Mint,
  startTestIssuer,
  type TestIssuer,
  type TestIssuerOptions,
} from "./testing/issuer.ts";
export { type IsolationOptions, NotIsolated, provesIsolation } from "./testing/isolation.ts";
