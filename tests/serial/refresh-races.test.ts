// security.md test 1: refresh tokens under fire from two processes, over a restart, and against a revocation.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startDeployment } from "../oauth/deployment.ts";
import { grantsKit, publicClient, refused, type Tokens } from "../oauth/grants-kit.ts";
import type { Answer } from "../oauth/http.ts";

const deployment = await startDeployment({ servers: 2 });
after(deployment.close);
const kit = grantsKit(deployment);
const acme = await deployment.tenant();
const ada = await kit.human(acme, { role: "owner" });
const app = await kit.application();
const spa = await kit.application(publicClient);

const parallel = 50;

/** Every token a token answer holds, and what came of it: dead on both processes. */
const nothingLives = async (all: readonly Tokens[]): Promise<void> => {
  for (const tokens of all)
    for (const on of [0, 1]) {
      assert.equal(await deployment.isActive(tokens.access_token, on), false);
      refused(await kit.refresh(app, tokens.refresh_token, {}, {}, on), "invalid_grant");
    }
};

const stampede = async (client: typeof app, refresh_token: string): Promise<readonly Answer[]> =>
  Promise.all(Array.from({ length: parallel }, (_, n) => kit.refresh(client, refresh_token, {}, {}, n % 2)));

test("security.md 1: of 50 parallel uses across two processes one gets 200, the rest invalid_grant, and the winner's tokens end too", async () => {
  for (const client of [app, spa]) {
    const before = await kit.tokens(client, ada);
    const answers = await stampede(client, before.refresh_token);
    const winners = answers.filter(({ status }) => status === 200).map((answer) => answer.json<Tokens>());
    assert.equal(winners.length, 1);
    for (const answer of answers) if (answer.status !== 200) refused(answer, "invalid_grant");
    await nothingLives([before, ...winners]);
  }
});

test("security.md 1: a family that was ended stays ended when both processes are killed and started again", async () => {
  const before = await kit.tokens(app, ada);
  const winner = (await kit.refresh(app, before.refresh_token)).json<Tokens>();
  const alive = await kit.tokens(app, ada);
  refused(await kit.refresh(app, before.refresh_token, {}, {}, 1), "invalid_grant");
  await Promise.all(deployment.servers.map((server) => server.kill()));
  for (const on of [0, 1]) await deployment.revive(on);
  await nothingLives([before, winner]);

  const answers = await stampede(app, alive.refresh_token);
  const winners = answers.filter(({ status }) => status === 200).map((answer) => answer.json<Tokens>());
  assert.equal(winners.length, 1, "the one that was good before is good once");
  await nothingLives([alive, ...winners]);
});

test("security.md 1: a refresh that races a revocation leaves nothing live, whichever of them comes first", async () => {
  for (let round = 0; round < 15; round += 1) {
    const before = await kit.tokens(app, ada);
    const refreshing = kit.refresh(app, before.refresh_token, {}, {}, round % 2);
    const revoking = kit.revoke(app, before.refresh_token);
    const [answer, done] = await Promise.all([refreshing, revoking]);
    assert.equal(done.status, 200, done.text);
    if (answer.status !== 200) refused(answer, "invalid_grant");
    await nothingLives([before, ...(answer.status === 200 ? [answer.json<Tokens>()] : [])]);
  }
});

test("invariant 7: refreshing that races the end of the session leaves nothing live", async () => {
  for (let round = 0; round < 8; round += 1) {
    const brief = { ...ada, ...(await kit.signIn(acme.id, ada.id)) };
    const before = await kit.tokens(app, brief);
    const racing = Array.from({ length: 4 }, (_, n) => kit.refresh(app, before.refresh_token, {}, {}, n % 2));
    const ending = acme.does(`/v1/users/${ada.id}:signOut`);
    const answers = await Promise.all(racing);
    await ending;
    const winners = answers.filter(({ status }) => status === 200).map((answer) => answer.json<Tokens>());
    assert.ok(winners.length <= 1);
    await nothingLives([before, ...winners]);
  }
});
