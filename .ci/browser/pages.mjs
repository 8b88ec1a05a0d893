// Looks at the pages of a running demo as people do: signs in by its links, walks the pages of every role, and holds each against
// the API; then the days of a lead, of a second person, of the Board and of the public. `node .ci/browser/pages.mjs WELCOME SCREENS`: a
// file with what the demo printed, and a folder for screenshots. AS_OF is the moment that is looked at, empty for the present; with
// SHORT=1 each page is looked at in one setting.
import { createRequire } from 'node:module';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const require = createRequire(import.meta.url);
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const [welcome, screens] = process.argv.slice(2);
const said = readFileSync(welcome, 'utf8');
const base = said.match(/http:\/\/127\.0\.0\.1:\d+/)[0];
const link = (role) => said.match(new RegExp(`^${role.replaceAll('_', ' ')} +(http\\S+)`, 'm'))[1];
const token = (role) => said.match(new RegExp(`^${role.toUpperCase()}=(\\S+)`, 'm'))[1];
const plan = '/plans/harrow-cypp-2009-2011';
const isShort = process.env.SHORT === '1';
const asOf = process.env.AS_OF ?? '2010-05-14T12:00:00Z';
const at = asOf ? `&as_of=${asOf}` : '';
const asked = `period=FY2009-10-Q4${at}`;
mkdirSync(screens, { recursive: true });

let checks = 0;
function holds(is, what) {
  checks += 1;
  if (!is) throw new Error(what);
}
function same(found, wanted, what) {
  const [is, should] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (is === should) return holds(true, what);
  let from = 0;
  while (is[from] === should[from]) from += 1;
  from = Math.max(0, from - 60);
  return holds(false, `${what}: …${is.slice(from, from + 300)} and not …${should.slice(from, from + 300)}`);
}

/** Clicks something that leads to another page, and waits until that is there. */
async function follow(page, locator) {
  await Promise.all([page.waitForEvent('load'), locator.click()]);
}

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });

/** A browser of its own, in which nothing may go wrong that a page would hide. */
async function open(settings = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...settings });
  const page = await context.newPage();
  const faults = [];
  page.on('console', (message) => { if (message.type() === 'error' && !/status of 4/.test(message.text())) faults.push(message.text()); });
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('request', (request) => { if (!request.url().startsWith(base)) faults.push(`asks elsewhere: ${request.url()}`); });
  return { context, page, faults };
}

async function signIn(page, role) {
  await page.goto(link(role));
  await follow(page, page.getByRole('button', { name: 'Sign in', exact: true }));
  holds(page.url().startsWith(base), 'signing in leads on');
}

async function api(role, path, method = 'GET', body = undefined, headers = {}) {
  const type = body && { 'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json' };
  const answer = await fetch(base + path, {
    method, body: body && JSON.stringify(body), headers: { authorization: `Bearer ${token(role)}`, ...type, ...headers },
  });
  return answer.ok ? answer.json() : { status: answer.status, problem: await answer.text() };
}

/** Text as both sides write it: a plain minus, plain spaces. */
const plain = (text) => text.replaceAll('\u2212', '-').replaceAll('\u00a0', ' ').replace(/\s+/g, ' ').trim();
const capital = (text) => text[0].toUpperCase() + text.slice(1);

/** The scorecard's rows as they can be read. */
const rows = () => [...document.querySelectorAll('table.score tbody tr:not(.prio)')].map((row) => ({
  kpi: row.querySelector('.code').textContent,
  figure: [...row.querySelectorAll('.n > b, .n > .u')].map((part) => part.querySelector('abbr')?.title ?? part.textContent).join(' '),
  status: [...row.querySelector('.s').childNodes].filter((node) => node.nodeType === 3).map((node) => node.textContent).join(''),
  why: [...row.querySelectorAll('details p')].at(-1).textContent,
}));

async function scorecardEqualsReport(page, role) {
  await page.goto(`${base}${plan}?${asked}`);
  const report = await api(role, `/v1${plan}/status-report?${asked}`);
  const shown = (await page.evaluate(rows)).map((row) => ({ kpi: row.kpi, figure: plain(row.figure), status: plain(row.status), why: plain(row.why) }));
  const wanted = report.outcome_areas.flatMap((area) => area.priorities).flatMap((priority) => priority.kpis).map((one) => ({
    kpi: one.kpi, figure: plain(one.reported_text ?? ''), status: capital(one.status.replace('_', ' ')), why: plain(one.explanation),
  }));
  same(shown, wanted, `${role}: the rows of the scorecard`);
  const counts = report.counts.status;
  const heading = plain(await page.locator('h1').innerText());
  if (report.headline.assessed > 1) {
    const overall = report.headline.status.replace('_', ' ');
    same(heading, `${counts.on_track} of ${report.headline.assessed} assessed KPIs are on track: ${overall} overall`, `${role}: the headline`);
  }
  return report;
}

async function kpiEqualsStatus(page, role, kpi) {
  await page.goto(`${base}${plan}/kpis/${kpi}?group=all${at}`);
  const status = await api(role, `/v1${plan}/kpis/${kpi}/status?group=all${at}`);
  same(plain(await page.locator('.say p').first().innerText()), plain(status.explanation), `${role}: why ${kpi} stands as it does`);
  same(plain(await page.locator('.lead .st').innerText()), capital(status.status.replace('_', ' ')), `${role}: the status of ${kpi}`);
  const series = await api(role, `/v1${plan}/kpis/${kpi}/series?group=all${at}`);
  const figures = await page.evaluate(() => [...document.querySelectorAll('#t-cap')].flatMap((caption) =>
    [...caption.closest('table').querySelectorAll('tbody tr')].map((row) => [row.children[0].textContent, row.children[1].textContent])));
  const byPeriod = new Map(figures.map(([period, figure]) => [period, plain(figure)]));
  for (const point of series.points) {
    const figure = byPeriod.get(point.period.label);
    if (figure !== undefined && point.reported_text) same(figure, plain(point.reported_text), `${role}: ${kpi} in ${point.period.label}`);
    if (point.data_state === 'suppressed') holds(!/\d/.test(figure), `${role}: ${kpi} in ${point.period.label} is withheld`);
  }
}

/** What axe finds, with every disclosure open; with `asOpened`, as the page is when it is opened, too. */
async function noViolation(page, what, asOpened = false) {
  await page.evaluate(axe);
  if (asOpened) await violatesNothing(page, `${what}, as it is opened`);
  await page.evaluate(() => document.querySelectorAll('details').forEach((details) => { details.open = true; }));
  await violatesNothing(page, what);
}

async function violatesNothing(page, what) {
  const found = await page.evaluate(() => axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
  const told = found.violations.map((one) => `${one.id}: ${one.help} (${one.nodes.slice(0, 3).map((node) => node.target.join(' ')).join('; ')})`);
  same(told, [], `${what}: axe`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  holds(wide <= 0, `${what}: scrolls sideways by ${wide} px`);
}

const roles = ['administrator', 'programme_manager', 'sub_group_lead', 'contributor', 'board', 'partner', 'public'];
const cookies = {};
for (const role of roles) {
  const { context, page, faults } = await open();
  await signIn(page, role);
  const report = await scorecardEqualsReport(page, role);
  const kpis = report.outcome_areas.flatMap((area) => area.priorities).flatMap((priority) => priority.kpis).map((one) => one.kpi);
  for (const kpi of kpis.filter((_, place) => place % (isShort ? 20 : 10) === 0)) await kpiEqualsStatus(page, role, kpi);
  cookies[role] = await context.storageState();
  same(faults, [], `${role}: what the browser reports`);
  await context.close();
}

// What is withheld from a partner stands nowhere in the page.
{
  const { context, page } = await open({ storageState: cookies.partner });
  const own = await api('board', `/v1${plan}/status-report?${asked}`);
  const theirs = await scorecardEqualsReport(page, 'partner');
  const codes = new Set(theirs.outcome_areas.flatMap((area) => area.priorities).flatMap((priority) => priority.kpis).map((one) => one.kpi));
  const html = await page.content();
  for (const one of own.outcome_areas.flatMap((area) => area.priorities).flatMap((priority) => priority.kpis)) {
    if (!codes.has(one.kpi)) holds(!html.includes(one.kpi), `a partner's page names ${one.kpi}`);
  }
  await context.close();
}

// A stranger sees nothing, and is asked to sign in.
{
  const { context, page } = await open();
  await page.goto(`${base}${plan}?${asked}`);
  holds(new URL(page.url()).pathname === '/sign-in', 'a stranger is asked to sign in');
  holds(!(await page.content()).includes('Harrow'), 'a stranger learns nothing of the plan');
  await page.goto(link('board'));
  await follow(page, page.getByRole('button', { name: 'Sign in', exact: true }));
  holds((await page.locator('.errors').innerText()).includes('has been used'), 'a link signs in once');
  await context.close();
}

// Every page in every setting.
const pages = {
  scorecard: `${plan}?${asked}`,
  kpi: `${plan}/kpis/NI-117?period=FY2009-10-Q3${asOf && '&as_of=2010-03-09T17:00:00Z'}`,
  board: `${plan}/board?${asked}`,
  returns: `${plan}/returns`,
  return: `${plan}/returns/FY2009-10-Q4/be-healthy`,
  'problem-404': `${plan}/kpis/NI-0`,
  account: '/account',
  help: '/help',
  accessibility: '/accessibility',
  privacy: '/privacy',
  'sign-in': '/sign-in',
};
// Those of whoever looks after a plan.
const kinds = ['organisations', 'outcome-areas', 'sub-groups', 'priorities', 'dimensions', 'policies', 'kpis', 'rounds', 'people', 'links', 'webhooks', 'targets', 'journal'];
const lookedAfter = {
  'set-up': `${plan}/set-up`,
  'set-up-plan': `${plan}/set-up/plan`,
  ...Object.fromEntries(kinds.map((kind) => [`set-up-${kind}`, `${plan}/set-up/${kind}`])),
  'set-up-kpi': `${plan}/set-up/kpis/NI-117`,
  'set-up-policy': `${plan}/set-up/policies/five-band`,
  'set-up-dimension': `${plan}/set-up/dimensions/free-school-meals`,
  'set-up-targets-of-kpi': `${plan}/set-up/targets/NI-117`,
  actions: `${plan}/actions`,
  files: `${plan}/files/readings`,
  tokens: '/account/tokens',
  'new-plan': '/new-plan',
};
const settings = {
  desk: {},
  dark: { colorScheme: 'dark' },
  'forced-colours': { forcedColors: 'active' },
  phone: { viewport: { width: 320, height: 640 } },
};
for (const [setting, options] of Object.entries(settings).slice(0, isShort ? 1 : undefined)) {
  const { context, page, faults } = await open({ storageState: cookies.board, ...options });
  for (const [name, path] of Object.entries(pages)) {
    await page.goto(base + path);
    await page.screenshot({ path: join(screens, `${name}-${setting}.png`), fullPage: true });
    // The picture that the README begins with: docs/scorecard.png is this one.
    if (name === 'scorecard' && setting === 'desk') await page.screenshot({ path: join(screens, 'readme.png'), clip: { x: 0, y: 0, width: 1280, height: 820 } });
    await noViolation(page, `${name}, ${setting}`, ['scorecard', 'board', 'return'].includes(name));
  }
  same(faults, [], `${setting}: what the browser reports`);
  await context.close();
  const administrator = await open({ storageState: cookies.administrator, ...options });
  for (const [name, path] of Object.entries(lookedAfter)) {
    const answer = await administrator.page.goto(base + path);
    same(answer.status(), 200, `${name}: the answer`);
    await administrator.page.screenshot({ path: join(screens, `${name}-${setting}.png`), fullPage: true });
    await noViolation(administrator.page, `${name}, ${setting}`);
  }
  same(administrator.faults, [], `${setting}: what the browser reports to an administrator`);
  await administrator.context.close();
}

// Without scripts the words are the same.
{
  const [with_, without] = await Promise.all([true, false].map(async (javaScriptEnabled) => {
    const { context, page } = await open({ storageState: cookies.board, javaScriptEnabled });
    await page.goto(`${base}${pages.kpi}`);
    const text = plain(await page.locator('main').innerText());
    await context.close();
    return text;
  }));
  same(without, with_, 'the page without scripts');
}

// Text at 200 %.
if (!isShort) {
  const { context, page } = await open({ storageState: cookies.administrator });
  for (const [name, path] of Object.entries({ ...pages, ...lookedAfter })) {
    await page.goto(base + path);
    await page.addStyleTag({ content: 'html { font-size: 200% }' }).catch(() => {});
    await page.evaluate(() => { document.documentElement.style.fontSize = '200%'; });
    await noViolation(page, `${name}, text at 200 %`);
  }
  await context.close();
}

// The day of a lead who corrects and submits a quarter with mistakes in it, and of the person who signs it off.
const ahead = (days) => new Date(Date.now() + days * 86400000).toISOString().slice(0, 10);
{
  const round = { period: 'FY2010-11-Q4', opens: ahead(-2), due: ahead(20), closes: ahead(40) };
  const made = await api('programme_manager', `/v1${plan}/rounds`, 'POST', round);
  holds(made.period !== undefined, `the round is made: ${JSON.stringify(made)}`);
  const lead = await open({ storageState: cookies.sub_group_lead });
  const { page } = lead;
  await page.goto(`${base}${plan}/returns`);
  await follow(page, page.getByRole('table', { name: 'Your returns' }).getByRole('row', { name: /2010\/11 Q4/ }).filter({ hasText: 'Be Healthy' }).getByRole('link'));
  const here = page.url();
  const figures = page.locator('fieldset.owe');
  const owed = await figures.count();
  holds(owed > 5, `${owed} figures are owed`);
  await page.screenshot({ path: join(screens, 'return-to-fill-in.png'), fullPage: true });
  // One that cannot be right, and one that can.
  const [wrong, right] = [figures.nth(0), figures.nth(1)];
  await wrong.locator('.entry .in-num').first().fill('4,x');
  await right.locator('.entry .in-num').first().fill('3');
  if (await right.locator('.entry .in-num').count() > 1) await right.locator('.entry .in-num').nth(1).fill('40');
  await follow(page, page.getByRole('button', { name: 'Check what this would change' }));
  holds((await page.title()).startsWith('Error: '), 'the title says that something is wrong');
  const summary = page.getByRole('alert');
  holds((await summary.innerText()).includes('Nothing has been saved.'), 'the summary says that nothing is saved');
  holds(await page.evaluate(() => document.activeElement?.className === 'errors'), 'the summary is read first');
  await noViolation(page, 'a return with a mistake');
  await page.screenshot({ path: join(screens, 'return-with-a-mistake.png'), fullPage: true });
  await summary.getByRole('link').first().click();
  holds(await page.evaluate(() => document.activeElement?.getAttribute('aria-invalid') === 'true'), 'its link leads to the field');
  holds((await page.locator('.effect').nth(1).innerText()).length > 10, 'the right figure says what it would change');
  // Corrected: a figure and nil returns for the rest.
  await wrong.locator('.entry .in-num').first().fill('');
  for (let place = 0; place < owed; place += 1) {
    if (place === 1) continue;
    const figure = figures.nth(place);
    await figure.locator('details').evaluateAll((all) => all.forEach((details) => { details.open = true; }));
    await figure.getByLabel('Why there is none (nil return)').fill('The source is late this quarter.');
  }
  await follow(page, page.getByRole('button', { name: /^Save/ }));
  if ((await page.locator('h2').allInnerTexts()).includes('Please check')) await follow(page, page.getByRole('button', { name: /^Save/ }));
  holds((await page.getByRole('status').innerText()).includes('saved'), 'the figures are saved');
  const report = await api('board', `/v1${plan}/rounds/FY2010-11-Q4/returns/be-healthy`);
  same(report.progress.reported, report.progress.owed, 'what the API has of the return');
  for (const line of report.lines.filter((one) => one.lacking.length)) {
    const name = page.locator(`fieldset:has-text("${line.assessment.kpi},")`);
    if (line.lacking.includes('commentary')) await name.getByLabel('Commentary').fill('Two services reported late.');
    if (line.lacking.includes('action')) {
      await api('sub_group_lead', `/v1${plan}/actions`, 'POST', {
        kpi: line.assessment.kpi, cause: { code: 'delay', text: 'Late reports.' }, what: 'Ask for them earlier.',
        owner: { role: 'Head of service', organisation: 'harrow-pct' }, due: ahead(60),
      });
    }
  }
  await follow(page, page.getByRole('button', { name: /^Save/ }));
  await follow(page, page.getByRole('button', { name: 'Submit for sign-off' }));
  holds((await page.getByRole('status').innerText()).includes('submitted'), `it is submitted: ${plain(await page.locator('main').innerText()).slice(0, 300)}`);
  holds(await page.getByRole('button', { name: 'Sign off the return' }).count() === 0, 'who submitted it does not sign it off');
  same(lead.faults, [], 'the lead: what the browser reports');
  await lead.context.close();
  const second = await open({ storageState: cookies.programme_manager });
  await second.page.goto(here);
  await noViolation(second.page, 'a return to sign off');
  await second.page.screenshot({ path: join(screens, 'return-to-sign-off.png'), fullPage: true });
  await follow(second.page, second.page.getByRole('button', { name: 'Sign off the return' }));
  holds((await second.page.getByRole('status').innerText()).includes('signed off'), 'a second person signs it off');
  same((await api('board', `/v1${plan}/rounds/FY2010-11-Q4/returns/be-healthy`)).state, 'signed_off', 'the return by the API');
  await second.context.close();
}

// The Board reads what is off track, freezes the report and prints it.
{
  const { context, page, faults } = await open({ storageState: cookies.board });
  await page.goto(`${base}${plan}/board?period=FY2009-10-Q4`);
  const exceptions = await api('board', `/v1${plan}/exceptions?period=FY2009-10-Q4`);
  const shown = await page.evaluate(() => [...document.querySelectorAll('.exc tbody .code')].map((code) => code.textContent.split(',')[0]));
  same(shown, exceptions.items.map((item) => item.kpi), 'the exceptions in their order');
  await page.getByLabel('What to call it').fill('Performance Improvement Board, for the record');
  await follow(page, page.getByRole('button', { name: /^Freeze the report/ }));
  const record = page.locator('.record');
  const [id, digest] = await record.locator('code').allInnerTexts();
  const reports = (await api('board', `/v1${plan}/board-reports?limit=1000`)).items;
  same(reports.find((report) => report.id === id)?.sha256, digest, 'the digest of the frozen report');
  await noViolation(page, 'a frozen report');
  await page.screenshot({ path: join(screens, 'frozen-desk.png'), fullPage: true });
  const rows = await page.locator('.annex .score tbody tr:not(.prio)').count();
  const file = join(screens, 'frozen.pdf');
  await page.pdf({ path: file, format: 'A4', preferCSSPageSize: true, printBackground: true });
  const sheets = execFileSync('pdftotext', ['-layout', file, '-']).toString().split('\f').slice(0, -1);
  holds(sheets.length >= 5 && sheets.length <= 25, `the paper has ${sheets.length} pages`);
  sheets.forEach((sheet, place) => {
    holds(sheet.includes(`Page ${place + 1} of ${sheets.length}`), `page ${place + 1} says which it is`);
    holds(sheet.includes('SHA-256'), `page ${place + 1} has the digest`);
  });
  const paper = sheets.join('\n');
  const codes = await page.evaluate(() => [...document.querySelectorAll('.annex .code')].map((code) => code.textContent));
  same(codes.length, rows, 'rows of the annex');
  same(codes.filter((code) => !paper.includes(code)), [], 'KPIs that are missing on paper');
  const heads = sheets.filter((sheet) => /^ *KPI +.*Status/m.test(sheet)).length;
  holds(heads >= 5, `the heads of tables are repeated, on ${heads} pages`);
  const download = page.waitForEvent('download');
  await page.locator('.record').getByRole('link', { name: 'XLSX' }).click();
  holds((await (await download).path()) !== null, 'the workbook can be taken');
  same(faults, [], 'the Board: what the browser reports');
  await context.close();
}

// The public reads the public page of a public plan, and is not asked who they are.
{
  const shown = await api('administrator', `/v1${plan}`, 'PATCH', { visibility: 'public' }, { 'if-match': '*' });
  same(shown.visibility, 'public', 'the plan is public');
  for (const [setting, options] of [['desk', {}], ['phone', settings.phone]]) {
    const { context, page, faults } = await open(options);
    await page.goto(`${base}${plan}/public?${asked}`);
    const report = await (await fetch(`${base}/v1${plan}/status-report?${asked}`)).json();
    const counts = report.counts.status;
    if (report.headline.assessed) same(plain(await page.locator('h1').innerText()), `${counts.on_track} of the ${report.headline.assessed} things we can judge are on track`, 'the public headline');
    const measures = await page.evaluate(() => [...document.querySelectorAll('details .measures b')].length);
    same(measures, report.headline.total, 'the measures on the public page');
    await noViolation(page, `public, ${setting}`);
    await page.screenshot({ path: join(screens, `public-${setting}.png`), fullPage: true });
    same(faults, [], 'the public: what the browser reports');
    await context.close();
  }
  await api('administrator', `/v1${plan}`, 'PATCH', { visibility: 'private' }, { 'if-match': '*' });
}

// The day of an administrator: a mistake corrected, a policy tried, figures pasted, a link made and opened, all without scripts.
{
  const { context, page } = await open({ storageState: cookies.administrator, javaScriptEnabled: false });
  const add = async (what) => {
    const details = page.locator('details.new');
    if (!(await details.evaluate((one) => one.open))) await page.locator('details.new > summary').click();
    return page.getByRole('button', { name: `Add ${what}` });
  };
  await page.goto(`${base}${plan}/set-up`);
  await follow(page, page.getByRole('link', { name: 'Organisations' }));
  await add('an organisation');
  await page.getByLabel('Code').fill('not a code');
  await page.getByLabel('Title').fill('Voluntary Action Harrow');
  await follow(page, await add('an organisation'));
  holds((await page.getByRole('alert').innerText()).includes('is not a code'), 'a wrong code is named');
  await page.getByLabel('Code').fill('voluntary-action');
  await follow(page, await add('an organisation'));
  same((await api('administrator', `/v1${plan}/organisations/voluntary-action`)).title, 'Voluntary Action Harrow', 'the organisation as the API has it');
  await page.goto(`${base}${plan}/set-up/policies/rag`);
  await page.getByLabel('Amber limit').fill('5');
  await follow(page, page.getByRole('button', { name: 'Try it on past periods' }));
  holds((await page.getByRole('status').innerText()).includes('Tried, and nothing saved'), 'a policy is tried');
  await page.screenshot({ path: join(screens, 'policy-tried.png'), fullPage: true });
  await page.goto(`${base}${plan}/files/readings`);
  await page.getByLabel('Paste the cells here').fill('kpi\tperiod\tnumerator\tdenominator\nNI-117\t2010/11 Q1\t2x0\t5130\n');
  await follow(page, page.getByRole('button', { name: 'Check', exact: true }));
  holds((await page.getByRole('alert').innerText()).includes('Cell C2: 2x0 is not a number'), 'a wrong cell is named');
  await page.screenshot({ path: join(screens, 'figures-pasted-with-a-mistake.png'), fullPage: true });
  await page.getByLabel('Paste the cells here').fill('kpi\tperiod\tnumerator\tdenominator\nNI-117\t2010/11 Q1\t240\t5130\n');
  await follow(page, page.getByRole('button', { name: 'Save if nothing is wrong' }));
  same((await api('administrator', `/v1${plan}/kpis/NI-117/readings/FY2010-11-Q1`)).numerator, 240, 'the figure as the API has it');
  await page.goto(`${base}${plan}/set-up/links`);
  await add('a secret link');
  await page.getByLabel('What it is for').fill('For the chief executive');
  await page.getByLabel('What it opens').selectOption('report');
  await follow(page, await add('a secret link'));
  const linked = await open();
  await linked.page.goto(base + (await page.locator('.say code').innerText()));
  await noViolation(linked.page, 'the report by a link');
  same(linked.faults, [], 'the report by a link: what the browser reports');
  await linked.context.close();
  await context.close();
}

// With the keyboard alone: a lead goes from the scorecard to a return, mistypes a figure, is led to it, and corrects it.
{
  const { context, page } = await open({ storageState: cookies.sub_group_lead });
  const focused = () => page.evaluate(() => document.activeElement.textContent.trim() || document.activeElement.name || '');
  const tabTo = async (is) => {
    for (let presses = 0; presses < 400; presses += 1) {
      await page.keyboard.press('Tab');
      if (is(await focused())) return;
    }
    holds(false, `the keyboard does not lead to ${is}`);
  };
  const enter = () => Promise.all([page.waitForEvent('load'), page.keyboard.press('Enter')]);
  await page.goto(`${base}${plan}`);
  await tabTo((text) => text === 'Skip to main content');
  await tabTo((text) => text === 'Returns');
  await enter();
  await tabTo((text) => /sub-group$/.test(text));
  await enter();
  holds(/\/returns\//.test(page.url()), 'the keyboard leads to a return');
  if (await page.locator('.owe').count()) {
    await tabTo((text) => /\.(numerator|value)$/.test(text));
    const name = await focused();
    await page.keyboard.press('Control+A');
    await page.keyboard.type('x');
    await enter();
    same(await page.evaluate(() => document.activeElement.className), 'errors', 'what is wrong is read first');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    same(await focused(), name, 'and leads to the field');
    holds(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle !== 'none'), 'the focus is seen');
  }
  await context.close();
}

// Signed out, the way back is closed.
{
  const { context, page } = await open({ storageState: cookies.contributor });
  await page.goto(`${base}/account`);
  await follow(page, page.getByRole('button', { name: 'Sign out everywhere' }));
  holds(new URL(page.url()).pathname === '/sign-in', 'signing out leads to the page to sign in');
  await page.goto(`${base}${plan}`);
  holds(new URL(page.url()).pathname === '/sign-in', 'who signed out is asked to sign in');
  await context.close();
}

await browser.close();
console.log(`${checks} checks of pages in Chromium passed; screenshots are in ${screens}`);
