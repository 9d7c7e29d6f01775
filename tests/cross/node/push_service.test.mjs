// A caller in Node calls the gateway.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import grpc from '@grpc/grpc-js'
import { connect, details, env } from './gateway.mjs'

let gateway
before(() => { gateway = connect(env('FANFARE_GRPC')) })
after(() => gateway.close())

const push = (token, rest = {}) => ({
  app: 'demo', target: { apns: { token } }, content: { notification: { title: 'Hello' } }, ...rest,
})

test('a good token is accepted', async () => {
  const id = '4f6d2b1e-9d0a-4c57-8a59-0d6a2f9b3c11'
  const result = await gateway.sendPush(push('600d'.repeat(16), { id }))
  assert.deepEqual(
    [result.outcome, result.delivery, result.tokenAction, result.provider, result.upstreamStatus, result.attempts],
    ['OUTCOME_ACCEPTED', 'DELIVERY_ACCEPTED', 'TOKEN_ACTION_KEEP', 'PROVIDER_APNS', 200, 1],
  )
  assert.deepEqual([result.id, result.upstreamId], [id, id])
})

test('a dead token is to be deleted, unless it was registered again since', async () => {
  const result = await gateway.sendPush(push('dead'.repeat(16)))
  assert.deepEqual(
    [result.outcome, result.delivery, result.tokenAction, result.upstreamStatus, result.upstreamReason],
    ['OUTCOME_UNREGISTERED', 'DELIVERY_NO', 'TOKEN_ACTION_DELETE', 410, 'Unregistered'],
  )
  const hours = (Date.now() / 1000 - result.tokenInvalidSince.seconds) / 3600
  assert.ok(Math.abs(hours - 24) < 1, `gone for ${hours} hours`)
})

test('a malformed token is a result that names the field', async () => {
  const { outcome, field, reason, attempts } = await gateway.sendPush(push('not hexadecimal'))
  assert.deepEqual(
    [outcome, field, reason, attempts], ['OUTCOME_INVALID_TOKEN', 'target.apns.token', 'REASON_FIELD_INVALID', 0],
  )
})

test('a call without a push fails with a status that says why', async () => {
  const error = await gateway.sendPush(null).catch(error => error)
  assert.equal(error.code, grpc.status.INVALID_ARGUMENT)
  const { 'google.rpc.BadRequest': badRequest, 'google.rpc.ErrorInfo': errorInfo } = details(error)
  assert.equal(badRequest.fieldViolations[0].field, 'push')
  assert.deepEqual([errorInfo.reason, errorInfo.domain], ['FIELD_REQUIRED', 'push.fanfare.dev'])
})

test('a batch has a verdict for every item', async () => {
  const stream = gateway.stub.sendBatch({ deadline: Date.now() + 20_000 })
  const tokens = Array.from({ length: 1000 }, (_, index) => (index % 100 === 7 ? 'dead' : '600d').repeat(16))
  const results = []
  let progress
  stream.on('data', answer => {
    results.push(...answer.results)
    progress = answer.progress ?? progress
  })
  for (let at = 0; at < tokens.length; at += 50) {
    stream.write({ pushes: tokens.slice(at, at + 50).map(token => push(token)) })
  }
  stream.end()
  const [status] = await once(stream, 'status')
  assert.equal(status.code, grpc.status.OK)
  const outcomes = results.sort((a, b) => a.index - b.index).map(({ outcome }) => outcome)
  assert.deepEqual(outcomes, tokens.map(token => `OUTCOME_${token.startsWith('dead') ? 'UNREGISTERED' : 'ACCEPTED'}`))
  assert.equal(progress.itemsRead, 1000)
})

test('a hundred thousand items, read while they are written', { timeout: 180_000 }, async () => {
  const prefixes = { 3: 'dead', 7: '0bad' }
  const outcomes = { dead: 'OUTCOME_UNREGISTERED', '0bad': 'OUTCOME_INVALID_TOKEN', '600d': 'OUTCOME_ACCEPTED' }
  const tokens = Array.from(
    { length: 100_000 }, (_, n) => (prefixes[n % 10] ?? '600d') + n.toString(16).padStart(60, '0'),
  )
  const stream = gateway.stub.sendBatch({ deadline: Date.now() + 170_000 })
  const seen = new Map()
  stream.on('data', answer => {
    for (const { index, outcome } of answer.results) {
      assert.ok(!seen.has(Number(index)))
      seen.set(Number(index), outcome)
    }
  })
  const ended = once(stream, 'status')
  for (let at = 0; at < tokens.length; at += 100) {
    if (!stream.write({ pushes: tokens.slice(at, at + 100).map(token => push(token)) })) await once(stream, 'drain')
  }
  stream.end()
  const [status] = await ended
  assert.equal(status.code, grpc.status.OK)
  assert.equal(seen.size, tokens.length)
  tokens.forEach((token, n) => assert.equal(seen.get(n), outcomes[token.slice(0, 4)], `item ${n}`))
})
