// A client that shows who it is, and verdicts that say what is to be done.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { status } from '@grpc/grpc-js'
import { Client, isDead, nothingSent, retryAfter, shouldRetry } from 'fanfare-push'
import { BINARY, Gateway, Simulator } from './gateway.mjs'

const push = (token, options = {}) => ({
  app: 'demo', target: { apns: { token } }, content: { notification: { title: 'Hello' } }, options,
})

let simulator, gateway, address, file
before(async () => {
  simulator = await Simulator.start()
  file = (name) => join(simulator.dir, name)
  const request = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=gateway -addext subjectAltName=DNS:localhost'
  execFileSync('openssl', [...request.split(' '), '-keyout', file('gateway.key'), '-out', file('gateway.pem')], { stdio: 'pipe' })
  execFileSync(BINARY, ['caller-key', file('orders.key')], { stdio: 'pipe' })
  const shown = execFileSync(BINARY, ['caller-key', '--show', file('orders.key')], { encoding: 'utf8' })
  gateway = await Gateway.start(simulator, `
[grpc.tls]
certificate_file = "gateway.pem"
private_key_file = "gateway.key"
[callers.orders]
apps = ["demo"]
providers = ["apns"]
rpcs = ["*"]
service_classes = ["*"]
key_sha256 = ["${shown.trim()}"]
`)
  address = gateway.address.replace('127.0.0.1', 'localhost')
})
after(async () => {
  await gateway.end('SIGKILL')
  await simulator.stop()
})

test('a key from a file is shown for each call', async () => {
  writeFileSync(file('shown.key'), 'fanfare_no_key')
  const client = new Client(address, { caFile: file('gateway.pem'), tokenFile: file('shown.key') })
  const unknown = (error) => error.code === status.UNAUTHENTICATED && nothingSent(error)
  await assert.rejects(client.send(push('900d')), unknown)
  const results = []
  await assert.rejects(async () => {
    for await (const result of client.sendBatch([push('900d')])) results.push(result)
  }, unknown)
  assert.deepEqual(results.map((it) => it.ended), ['NotRead'])
  writeFileSync(file('shown.key'), readFileSync(file('orders.key')))
  assert.equal((await client.send(push('900d'))).verdict.outcome, 'OUTCOME_ACCEPTED')
  for await (const result of client.sendBatch([push('900d')])) assert.equal(result.ended, 'Answered')
  client.close()
})

test("a status of the library's leaves the push in doubt", async () => {
  const client = new Client(address, { caFile: file('gateway.pem'), tokenFile: file('orders.key') })
  await assert.rejects(client.send(push('900d'), { deadline: 0 }), (error) =>
    error.code === status.DEADLINE_EXCEEDED && !nothingSent(error))
  client.close()
})

test('a token is never sent without TLS', () => {
  assert.throws(() => new Client(address, { plaintext: true, tokenFile: file('orders.key') }), /tokenFile has no place/)
})

test('verdicts say what is to be done', async () => {
  const client = new Client(address, { caFile: file('gateway.pem'), tokenFile: file('orders.key') })
  const said = (result) => [isDead(result), shouldRetry(result), retryAfter(result) > 0]
  for (const [token, expected] of Object.entries({
    '900d': [false, false, false], dead: [true, false, false], '0bad': [true, false, false], zzzz: [true, false, false],
  })) {
    const result = await client.send(push(token))
    assert.deepEqual(said(result), expected, token)
    assert.equal(result.verdict.id, result.push.id)
  }
  const late = await client.send(push('f10d', { maxWait: { seconds: 0, nanos: 10_000_000 } }))
  assert.deepEqual(said(late), [false, true, true])
  client.close()
})
