// A page on loopback, open in Chromium, and its service workers.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import { PATIENCE_MS, startChromium } from './chromium.mjs'
import { until } from './traffic.mjs'

/**
 * Opens a page, with notifications allowed, on a site of these `files`: JavaScript, by path.
 *
 * `evaluate(fn, ...args)` gives what a function gives there, as JSON. `deliver(scope, payload)` is a push to the
 * service worker of that scope, as Chromium hands it over once it is decrypted; it gives the status with which the
 * event completed: all that it was told to wait for is done.
 */
export async function openPage(files) {
  const site = await serve(files)
  const chromium = startChromium()
  const close = async () => {
    await chromium.stop()
    site.close()
  }
  try {
    const { product: version } = await chromium.send('Browser.getVersion')
    await chromium.send('Browser.grantPermissions', { origin: site.origin, permissions: ['notifications'] })
    const { targetId } = await chromium.send('Target.createTarget', { url: 'about:blank' })
    const { sessionId } = await chromium.send('Target.attachToTarget', { targetId, flatten: true })
    const send = (method, params) => chromium.send(method, params, sessionId)
    const { errorText } = await send('Page.navigate', { url: site.origin })
    assert.equal(errorText, undefined, 'the page')
    const deliver = await pushes(chromium, send, site.origin)
    return { version, evaluate: (fn, ...args) => evaluate(send, fn, args), deliver, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function evaluate(send, fn, args) {
  const expression = `(${fn})(...${JSON.stringify(args)})`
  const asked = { expression, awaitPromise: true, returnByValue: true }
  const { result, exceptionDetails: thrown } = await send('Runtime.evaluate', asked)
  if (thrown) throw new Error(thrown.exception?.description ?? thrown.text)
  return result.value
}

/** Gives `deliver`, for one push at a time. */
async function pushes({ on }, send, origin) {
  const registrations = new Map()
  on('ServiceWorker.workerRegistrationUpdated', updated => {
    for (const { scopeURL, registrationId } of updated.registrations) registrations.set(scopeURL, registrationId)
  })
  await send('ServiceWorker.enable')
  let status
  on('BackgroundService.backgroundServiceEventReceived', ({ backgroundServiceEvent: { eventName, eventMetadata } }) => {
    if (eventName === 'Push event completed') status = eventMetadata.find(({ key }) => key === 'Status').value
  })
  await send('BackgroundService.startObserving', { service: 'pushMessaging' })
  await send('BackgroundService.setRecording', { service: 'pushMessaging', shouldRecord: true })
  return async (scope, data) => {
    const registration = () => registrations.get(`${origin}${scope}`)
    await until(registration, `the registration of ${scope}`, PATIENCE_MS)
    status = undefined
    await send('ServiceWorker.deliverPushMessage', { origin, registrationId: registration(), data })
    // Nobody may ask for the notifications before: one that is being shown while Chromium lists them can get lost.
    await until(() => status, `the end of the push event for ${data}`, PATIENCE_MS)
    return status
  }
}

/** An empty page at /, and the files. http://localhost is a secure context. */
async function serve(files) {
  const server = http.createServer(({ url }, response) => {
    const file = files[url]
    const type = file ? 'text/javascript' : 'text/html; charset=utf-8'
    response.writeHead(file || url === '/' ? 200 : 404, { 'content-type': type })
    response.end(file ?? '<!doctype html><title>Fanfare</title>')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: `http://localhost:${server.address().port}`,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
