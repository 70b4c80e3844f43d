// A real Caddy with the guide's configuration, between clients and a service: what passes, what does not, and what the service is told.
import { startCaddy } from "./kit.ts";
import { gatewayTests } from "./gateway-tests.ts";

await gatewayTests("caddy", startCaddy);
