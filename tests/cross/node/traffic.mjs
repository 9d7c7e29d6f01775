// Sends steady traffic, and checks what must come of it.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { APP } from './identity.mjs'

/** How long traffic may take. */
const TRAFFIC_MS = 50_000

/** How many items a message of a batch has, and how often one is sent, so that the batch lasts and is no burst. */
const ITEMS = 20
const PACE_MS = 5

export const token = number => `600d${number.toString(16).padStart(60, '0')}`

/** A push to the device of this number. Its payload names the device, so that a mix-up would be seen. */
export const push = number => ({
  app: APP, id: `push-${number}`, target: { apns: { token: token(number) } },
  content: { apns: { payloadJson: payload(token(number)) } },
})

export const payload = token => `{"aps":{"alert":"${token}"}}`
export const digest = body => createHash('sha256').update(body).digest('hex')

/** Waits for a condition. */
export async function until(condition, what, ms = TRAFFIC_MS) {
  for (const deadline = Date.now() + ms; !await condition(); await sleep(5)) {
    assert.ok(Date.now() < deadline, `${what} did not come to be`)
  }
}

/**
 * Sends single pushes, `atOnce` at a time, beside one batch of `items`; gives the verdicts by token.
 * `settled` is called after each single push, with how many have their verdict; `say` gives the push of a number.
 */
export async function traffic(client, { singles, items, atOnce = 40, first = 0, settled = () => {}, say = push }) {
  const verdicts = new Map()
  const settle = (token, verdict) => {
    assert.ok(!verdicts.has(token), `two verdicts for ${token}`)
    verdicts.set(token, verdict)
  }
  let next = first
  let done = 0
  const caller = async () => {
    while (next < first + singles) {
      const number = next++
      settle(token(number), await client.sendPush(say(number)))
      await settled(++done)
    }
  }
  await Promise.all([batch(client, first + singles, items, settle, say), ...Array.from({ length: atOnce }, caller)])
  assert.equal(verdicts.size, singles + items, 'each has its verdict')
  return verdicts
}

async function batch({ stub }, first, items, settle, say) {
  if (items === 0) return
  const stream = stub.sendBatch({ deadline: Date.now() + TRAFFIC_MS })
  stream.on('data', ({ results }) => {
    for (const result of results) settle(token(first + result.index), result)
  })
  const ended = once(stream, 'status')
  for (let at = 0; at < items; at += ITEMS) {
    const numbers = Array.from({ length: Math.min(ITEMS, items - at) }, (_, index) => first + at + index)
    if (!stream.write({ pushes: numbers.map(say) })) await once(stream, 'drain')
    await sleep(PACE_MS)
  }
  stream.end()
  const [status] = await ended
  assert.equal(status.code, 0, status.details)
}

/** How many verdicts there are of each kind. */
export function count(verdicts) {
  const counts = {}
  for (const { outcome } of verdicts.values()) counts[outcome] = (counts[outcome] ?? 0) + 1
  return counts
}

/** Every push was accepted; it arrived once, with its own id and body. `arrived`: token, id and digest of each. */
export function allArrivedOnce(verdicts, arrived) {
  const wrong = [...verdicts.values()].filter(({ outcome }) => outcome !== 'OUTCOME_ACCEPTED')
  assert.deepEqual(wrong.slice(0, 3), [], `${JSON.stringify(count(verdicts))}`)
  noneTwice(arrived)
  assert.equal(arrived.length, verdicts.size, 'none was lost, none came from nowhere')
  for (const request of arrived) {
    assert.equal(request.id, verdicts.get(request.token)?.upstreamId, request.token)
    assert.equal(request.digest, digest(payload(request.token)), request.token)
  }
}

/** No push arrived twice. */
export function noneTwice(arrived) {
  assert.equal(new Set(arrived.map(({ token }) => token)).size, arrived.length, 'none arrived twice')
}
