// A real browser decrypts in a service worker what the gateway encrypted, and the example shows it.
//
// PushManager.subscribe() asks the vendor's push service. Here the keys are made in a service worker of the test, the
// endpoint is the stand-in's, and the DevTools protocol hands the plaintext to the example, as Chromium does itself
// once it has decrypted a message.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { withGateway } from './gateway.mjs'
import { ARRIVALS, push } from './web-push-arrivals.mjs'
import { openPage } from './web-page.mjs'
import { startPushService } from './web-push-stand-in.mjs'

const read = path => readFileSync(new URL(path, import.meta.url))

/** The scopes of the example and of the worker that decrypts. */
const [EXAMPLE, DECRYPTING] = ['/', '/decrypting/']

let page
before(async () => {
  const [example, decrypting] = [`${EXAMPLE}service-worker.js`, `${DECRYPTING}worker.js`]
  page = await openPage({
    [example]: read('../../../examples/web-push/service-worker.js'), [decrypting]: read('decrypting-worker.js'),
  })
  await page.evaluate(async paths => {
    for (const path of paths) {
      const registration = await navigator.serviceWorker.register(path)
      while (registration.active?.state !== 'activated') await new Promise(resolve => setTimeout(resolve, 5))
    }
  }, [example, decrypting])
  console.log(page.version)
})
after(() => page?.close())

/** Asks the worker that decrypts. */
const ask = (action, argument) => page.evaluate(async (scope, message) => {
  const { active } = await navigator.serviceWorker.getRegistration(scope)
  const { port1, port2 } = new MessageChannel()
  const answered = new Promise(resolve => { port1.onmessage = ({ data }) => resolve(data) })
  active.postMessage(message, [port2])
  const { answer, error } = await answered
  if (error) throw new Error(error)
  return answer
}, DECRYPTING, { ask: action, argument })

const open = async body => Buffer.from(await ask('open', [...body]))

/** Runs `body` with a subscription whose keys Chromium made; `send(content, options)` gives the message that came. */
const withSubscription = body => withGateway(startPushService, async ({ service, client }) => {
  const keys = await ask('makeKeys')
  const who = { keys: { p256dh: Buffer.from(keys.p256dh), auth: Buffer.from(keys.auth) }, open }
  const subscription = service.subscribe('/p/chromium', who)
  await body(async (content, options) => {
    const result = await client.sendPush(push(subscription, content, options))
    assert.deepEqual(service.faults.splice(0), [])
    assert.equal(result.outcome, 'OUTCOME_ACCEPTED', result.detail)
    return service.messages.pop()
  })
})

test('a service worker opens each push, byte for byte', async () => {
  await withSubscription(async send => {
    for (const [name, [content, options, plaintext]] of Object.entries(ARRIVALS)) {
      assert.deepEqual((await send(content, options)).plaintext, Buffer.from(plaintext), name)
    }
  })
})

test('a service worker opens nothing that was changed, nor what is meant for other keys', async () => {
  await withSubscription(async send => {
    const { body, plaintext } = await send({ data: { a: 'b' } })
    assert.deepEqual(await open(body), plaintext)
    // A bit is wrong in the salt, or in the last byte of the tag.
    for (const at of [0, body.length - 1]) {
      const changed = Buffer.from(body)
      changed[at] ^= 1
      await assert.rejects(open(changed), /OperationError/, `byte ${at}`)
    }
    await ask('makeKeys')
    await assert.rejects(open(body), /OperationError/)
  })
})

/** Hands a payload to the example; gives the notifications that are shown then. */
async function show(payload) {
  assert.equal(await page.deliver(EXAMPLE, payload.toString()), 'Success')
  return notifications()
}

const notifications = () => page.evaluate(async scope => {
  const registration = await navigator.serviceWorker.getRegistration(scope)
  const shown = await registration.getNotifications()
  return shown.map(({ title, body, tag, renotify, data }) => ({ title, body, tag, renotify, data }))
}, EXAMPLE)

test('the example service worker shows what was pushed', async () => {
  await withSubscription(async send => {
    const [content, options] = ARRIVALS['a notification']
    const first = await send(content, options)
    assert.deepEqual(await show(first.plaintext), [{
      title: 'Zürich', body: 'Line\n"two" 🎺', tag: 'news', renotify: true,
      data: { action: 'open', link: 'https://example.com/orders/17', data: { order: '17' } },
    }])

    const newer = await send({ notification: { title: 'Zug', thread: 'news' } })
    assert.deepEqual(await show(newer.plaintext), [
      { title: 'Zug', body: '', tag: 'news', renotify: true, data: {} },
    ], 'it takes the place of the other of its tag')

    const silent = await send({ data: { order: '18' } })
    const [other] = (await show(silent.plaintext)).filter(({ tag }) => tag !== 'news')
    assert.deepEqual(other, { title: 'News', body: '', tag: '', renotify: false, data: { data: { order: '18' } } })
  })
})
