// The status page in a real browser, through an outage: healthy, refused, mended, and the end of the gateway. It has to be
// right in both themes, on a phone, without a mouse, and for axe-core. FANFARE_SCREENSHOTS names a folder for pictures of it.

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { AxeBuilder } from '@axe-core/playwright'
import { chromium } from 'playwright-core'
import { connect, env, serve } from './gateway.mjs'
import { startSimulator } from './simulator.mjs'

/** How long the page may take to show what has changed, on a busy machine. */
const PATIENCE_MS = 30_000
const WIDTHS = { wide: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } }

const dir = mkdtempSync(join(tmpdir(), 'fanfare-status-'))
let simulator, gateway, client, browser, page
const said = []

before(async () => {
  simulator = await startSimulator(join(dir, 'sim'), '--quiet')
  const config = join(dir, 'sim', 'gateway.toml')
  const listeners = '[grpc]\nlisten = "127.0.0.1:0"\n[admin]\nlisten = "127.0.0.1:0"\n[log]\nfilter = "off"\n'
  writeFileSync(config, listeners + readFileSync(join(dir, 'sim', 'fanfare.toml'), 'utf8'))
  gateway = await serve(dir, config)
  client = connect(gateway.grpc)
  browser = await chromium.launch({
    executablePath: env('CHROMIUM_BINARY'),
    // The sandbox of Chromium refuses to start as root. No name but these two has an address.
    args: ['--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1', '--no-proxy-server',
      ...process.getuid() === 0 ? ['--no-sandbox'] : []],
  })
  // axe-core needs a page whose policy lets it in, so that one page has none; the others have it.
  const context = await browser.newContext({ viewport: WIDTHS.wide, bypassCSP: true, reducedMotion: 'reduce' })
  page = await context.newPage()
  page.on('pageerror', error => said.push(String(error)))
  await page.goto(`http://${gateway.admin}/`)
})

after(async () => {
  await browser?.close()
  client?.close()
  await gateway?.stop()
  await simulator?.stop()
  rmSync(dir, { recursive: true, force: true })
})

const token = number => `900d${number.toString(16).padStart(60, '0')}`
const send = number => client.sendPush({
  app: 'demo', target: { apns: { token: token(number) } }, content: { notification: { title: 'Hello' } },
})

async function setKey(revoked) {
  const { control, key_id } = simulator.facts
  const answer = await fetch(`${control}/v1/provider-keys/${key_id}`, {
    method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ revoked }),
  })
  assert.ok(answer.ok, await answer.text())
}

const headline = text => page.locator('#headline').filter({ hasText: text }).waitFor({ timeout: PATIENCE_MS })

/** Looks at the page in both themes and at both widths: nothing is wider than the screen, and axe-core finds nothing. */
async function look(scene) {
  for (const colorScheme of ['light', 'dark']) {
    for (const [width, viewport] of Object.entries(WIDTHS)) {
      await page.emulateMedia({ colorScheme })
      await page.setViewportSize(viewport)
      const { violations } = await new AxeBuilder({ page }).analyze()
      const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(node => node.html).join(' ')}`)
      assert.deepEqual(found, [], `${scene}, ${colorScheme}, ${width}`)
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      assert.ok(wider <= 0, `${scene}, ${width}: ${wider} px wider than the screen`)
      const pictures = process.env.FANFARE_SCREENSHOTS
      if (!pictures) continue
      mkdirSync(pictures, { recursive: true })
      await page.screenshot({ path: join(pictures, `${scene}-${colorScheme}-${width}.png`), fullPage: true })
    }
  }
  await page.setViewportSize(WIDTHS.wide)
  assert.deepEqual(said, [], 'no script fails')
}

test('a healthy gateway is told so in a sentence', async () => {
  for (let number = 0; number < 20; number++) {
    assert.equal((await send(number)).outcome, 'OUTCOME_ACCEPTED')
  }
  await headline('Everything is well.')
  const app = page.locator('#app-list > li', { hasText: 'demoAPNs' })
  assert.match(await app.innerText(), /well[^]*APNs takes its pushes\./)
  await page.locator('#rate .legend li', { hasText: 'accepted' }).waitFor({ timeout: PATIENCE_MS })
  await page.locator('#latency .plot :is(path.line, circle.point)').first().waitFor({ timeout: PATIENCE_MS })
  await look('healthy')
})

test('the plots are read by keyboard', async () => {
  await page.locator('#rate .plot').focus()
  await page.keyboard.press('ArrowLeft')
  const reading = page.locator('#rate .reading')
  assert.match(await reading.innerText(), /^\d\d:\d\d:\d\d: accepted [\d.,]+$/)
  await page.keyboard.press('Escape')
  assert.equal(await reading.innerText(), '')
  assert.match(await page.locator('#latency .plot').getAttribute('aria-label'), /^Time to the verdict in the last half hour\. Now: /)
})

test('a refused key is named with what to do', async () => {
  await setKey(true)
  for (let number = 0; number < 5; number++) {
    assert.equal((await send(number)).outcome, 'OUTCOME_CREDENTIAL')
  }
  await headline('demo on APNs is failing.')
  const failing = page.locator('#app-list > li.failing')
  const { key_id, team_id } = simulator.facts
  const told = (await failing.innerText()).replace(/\s+/g, ' ')
  assert.match(told, new RegExp(`APNs refuses the key ${key_id} of team ${team_id} in production since \\d\\d:\\d\\d UTC: InvalidProviderToken \\(403\\)\\.`))
  assert.match(told, /At fault: a credential or setting of this gateway\./)
  assert.match(told, /What to do: Check key, key id and team id\./)
  await page.locator('#problems tbody tr', { hasText: 'InvalidProviderToken' }).first().waitFor({ timeout: PATIENCE_MS })
  assert.ok(!(await page.content()).includes(token(1)), 'no token is told whole')
  assert.equal(await page.title(), '1 failing · Fanfare')
  await page.locator('#rate .legend li', { hasText: 'credential' }).waitFor({ timeout: PATIENCE_MS })
  await look('refused')
})

test('once the key is mended the page says that all is well', async () => {
  await setKey(false)
  for (const deadline = Date.now() + 60_000; (await send(1)).outcome !== 'OUTCOME_ACCEPTED';) {
    assert.ok(Date.now() < deadline, 'the key is taken again')
    await page.waitForTimeout(100)
  }
  for (let number = 0; number < 40; number++) await send(number)
  await headline('Everything is well.')
  assert.equal(await page.locator('#app-list > li.failing').count(), 0)
  await look('mended')
})

test('a caller over its rate is told beside the apps', async () => {
  const folder = mkdtempSync(join(dir, 'rate-'))
  const config = join(dir, 'sim', 'rate.toml')
  const caller = '[callers.orders]\napps = ["*"]\nproviders = ["*"]\nrpcs = ["*"]\nservice_classes = ["*"]\npushes_per_second = 1\nburst = 1\nanonymous = true\n'
  writeFileSync(config, readFileSync(join(dir, 'sim', 'gateway.toml'), 'utf8') + caller)
  const busy = await serve(folder, config)
  const orders = connect(busy.grpc)
  try {
    const calls = Array.from({ length: 10 }, (_, number) => orders.sendPush({
      app: 'demo', target: { apns: { token: token(number) } }, content: { notification: { title: 'Hello' } },
    }))
    assert.ok((await Promise.allSettled(calls)).some(it => it.status === 'rejected'))
    await page.goto(`http://${busy.admin}/`)
    await headline('The caller orders is in trouble.')
    const told = (await page.locator('#app-list > li.troubled').innerText()).replace(/\s+/g, ' ')
    assert.match(told, /orders hands in more pushes than its 1 a second \(1 at once\) since \d\d:\d\d UTC, last at \d\d:\d\d UTC: \d+ were refused\./)
    assert.match(told, /At fault: whoever hands the pushes in\. What to do: Ask its owner/)
    await look('over-rate')
  } finally {
    orders.close()
    await page.goto(`http://${gateway.admin}/`)
    await busy.stop()
  }
})

test('under its own policy the page works and asks for nothing else', async () => {
  const context = await browser.newContext()
  const strict = await context.newPage()
  const asked = []
  const complaints = []
  strict.on('request', request => asked.push(new URL(request.url()).pathname))
  strict.on('console', message => complaints.push(message.text()))
  await strict.goto(`http://${gateway.admin}/`)
  await strict.locator('#headline').filter({ hasText: 'Everything is well.' }).waitFor({ timeout: PATIENCE_MS })
  assert.deepEqual([asked.sort(), complaints], [['/', '/status/events'], []])
  await context.close()
})

test('where the stream breaks off, the page says so and since when', async () => {
  await gateway.stop()
  await page.locator('#live', { hasText: /^No news since \d\d:\d\d:\d\d: / }).waitFor({ timeout: PATIENCE_MS })
  assert.equal(await page.title(), 'No news · Fanfare')
  await look('broken')
})
