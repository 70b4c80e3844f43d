/** What keeps a service from starting: every route without a policy, named at once, so that nobody has to find them one start at a time. */
export class MissingPolicies extends Error {
  override readonly name = "MissingPolicies";
  /** `GET /files/:id`, or what else the framework knows of it. */
  readonly routes: readonly string[];

  constructor(routes: readonly string[], advice: string) {
    const [noun, verb] = routes.length === 1 ? ["route", "has"] : ["routes", "have"];
    super([`${routes.length} ${noun} ${verb} no policy:`, ...routes.map((one) => `  ${one}`), advice].join("\n"));
    this.routes = routes;
  }
}
