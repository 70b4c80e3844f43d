// A real nginx with the guide's configuration, between clients and a service: what passes, what does not, and what the service is told.
import { startNginx } from "./kit.ts";
import { gatewayTests } from "./gateway-tests.ts";

await gatewayTests("nginx", startNginx);
