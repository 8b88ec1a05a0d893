// Signs in with an account at a real issuer (oidc-provider) as a person does: through its pages and back, after its keys have been
// rotated, and with an ID token that is for somebody else. `node .ci/browser/sign-in.mjs WAYMARK FOLDER PORT`: the program, a folder
// for its data, and a free port.
import { createRequire } from 'node:module';
import { execFileSync, spawn } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

const require = createRequire(import.meta.url);
const { chromium } = require('playwright-core');
const { Provider } = require('oidc-provider');

const [waymark, folder, port] = process.argv.slice(2);
const base = `http://127.0.0.1:${port}`;
const [id, secret] = ['waymark', 'a secret: 100 %'];

let checks = 0;
function holds(is, what) {
  checks += 1;
  if (!is) throw new Error(what);
}

const key = (kid) => ({ ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' });

/** The issuer. What answers is replaced when its keys are, as at an issuer that is started anew. */
let issuer, answers, nonce, forged;
const server = createServer((request, response) => {
  const url = new URL(request.url, issuer);
  nonce = url.searchParams.get('nonce') ?? nonce;
  if (forged && url.pathname === '/token') {
    response.setHeader('content-type', 'application/json');
    return response.end(JSON.stringify({ access_token: 'x', token_type: 'Bearer', id_token: forged(nonce) }));
  }
  return answers(request, response);
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
issuer = `http://127.0.0.1:${server.address().port}`;

function begin(...keys) {
  const provider = new Provider(issuer, {
    clients: [{ client_id: id, client_secret: secret, redirect_uris: [`${base}/sign-in/organisation/callback`] }],
    claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'] },
    conformIdTokenClaims: false,
    cookies: { keys: ['of a test'] },
    jwks: { keys },
    pkce: { required: () => true },
    findAccount: (_, account) => ({
      accountId: account,
      claims: () => ({ sub: account, name: `${account} of the council`, email: `${account}@council.example`, email_verified: true }),
    }),
  });
  answers = provider.callback();
}
const first = key('first');
begin(first);

mkdirSync(folder, { recursive: true });
const secretFile = join(folder, 'client-secret');
writeFileSync(secretFile, `${secret}\n`);
execFileSync(waymark, ['token', '--create-key', '--data-dir', folder, '--subject', 'ada']);
const logged = [];
const service = spawn(waymark, [
  'serve', '--data-dir', folder, '--bind', `127.0.0.1:${port}`, '--oidc-issuer', issuer, '--oidc-client-id', id,
  '--oidc-client-secret-file', secretFile, '--log', 'debug', '--administrator', 'jo@council.example',
]);
for (const stream of [service.stdout, service.stderr]) stream.on('data', (data) => logged.push(String(data)));
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });
const codes = [];

/** Goes to the issuer and back as this person, in a browser of their own; gives the page that they see then. */
async function signIn(person) {
  const page = await (await browser.newContext()).newPage();
  page.on('request', (request) => {
    const code = new URL(request.url()).searchParams.get('code');
    if (code) codes.push(code);
  });
  await page.goto(`${base}/account`);
  await page.getByRole('link', { name: "Sign in with your organisation's account" }).click();
  await page.locator('input[name=login]').fill(person);
  await page.locator('input[name=password]').fill('any');
  await page.locator('button[type=submit]').click();
  await page.locator('button[type=submit]').click();
  await page.waitForURL(`${base}/**`);
  return page;
}

try {
  for (let tries = 0; ; tries += 1) {
    const ready = await fetch(`${base}/readyz`).then((answer) => answer.ok, () => false);
    if (ready) break;
    if (tries === 300) throw new Error(`the service does not start:\n${logged.join('')}`);
    await new Promise((resolve) => { setTimeout(resolve, 200); });
  }
  const page = await signIn('jo');
  holds(page.url() === `${base}/account`, `back where they wanted to go, not ${page.url()}`);
  holds((await page.textContent('h1')).includes('jo of the council'), 'called by their name');
  holds((await page.textContent('main')).includes('jo@council.example'), 'roles are given to the e-mail address');
  holds(!(await page.context().cookies()).some((cookie) => cookie.name === 'waymark-sign-in'), 'the cookie of the attempt is gone');

  // A new key is asked for at most once a minute, so that nobody can have the issuer asked without end.
  begin(key('second'), first);
  await new Promise((resolve) => { setTimeout(resolve, 61_000); });
  const later = await signIn('ben');
  holds((await later.textContent('h1')).includes('ben of the council'), 'signed in with the new key');

  const part = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
  forged = (once) => {
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: issuer, aud: 'another', sub: 'eve', nonce: once, iat: now, exp: now + 600 };
    const signed = `${part({ alg: 'RS256', kid: 'first' })}.${part(claims)}`;
    return `${signed}.${sign('sha256', Buffer.from(signed), { key: first, format: 'jwk' }).toString('base64url')}`;
  };
  const refused = await signIn('eve');
  holds((await refused.textContent('main')).includes('cannot be accepted here'), 'an ID token for another is refused');
  holds(!(await refused.context().cookies()).some((cookie) => cookie.name === 'waymark'), 'nobody is signed in');

  holds(codes.length === 3, 'three codes were given');
  for (const word of [secret, ...codes]) holds(!logged.join('').includes(word), 'neither code nor secret is in the log');
  console.log(`${checks} checks: signing in with an account of an organisation`);
} finally {
  await browser.close();
  service.kill();
  server.close();
  server.closeAllConnections();
}
