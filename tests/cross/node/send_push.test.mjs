// The gateway, called from Node.

import assert from 'node:assert/strict'
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
  const hours = (Date.now() / 1000 - Number(result.tokenInvalidSince.seconds)) / 3600
  assert.ok(Math.abs(hours - 24) < 1, `gone for ${hours} hours`)
})

test('a malformed token fails with a status that names the field', async () => {
  const error = await gateway.sendPush(push('not hexadecimal')).catch(error => error)
  assert.equal(error.code, grpc.status.INVALID_ARGUMENT)
  const { 'google.rpc.BadRequest': badRequest, 'google.rpc.ErrorInfo': errorInfo } = details(error)
  assert.equal(badRequest.fieldViolations[0].field, 'push.target.apns.token')
  assert.deepEqual([errorInfo.reason, errorInfo.domain], ['FIELD_INVALID', 'fanfare'])
})
