// Each finding of findings.json is the same result by each RPC, and each call that fails says why.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import * as grpc from '@grpc/grpc-js'
import { details } from './details.js'
import { asked, bounded, connect, env, waiting, type Client } from './gateway.js'
import { handle } from './handler.js'
import type { Push } from './generated/fanfare/push/v1/Push.js'
import type { PushResult__Output as PushResult } from './generated/fanfare/push/v1/PushResult.js'
import type { SendBatchResponse__Output as SendBatchResponse } from './generated/fanfare/push/v1/SendBatchResponse.js'
import type { SendPushResponse__Output as SendPushResponse } from './generated/fanfare/push/v1/SendPushResponse.js'
import type { SendPushesResponse__Output as SendPushesResponse } from './generated/fanfare/push/v1/SendPushesResponse.js'

interface Finding { name: string, push: Push, result: PushResult, todo: string }
interface Call { name: string, code: keyof typeof grpc.status, reason: string, field: string }

const table: { findings: Finding[], calls: Call[] } = JSON.parse(readFileSync('../findings.json', 'utf8'))

const sendPush = (client: Client, push?: Push) =>
  asked<SendPushResponse>(done => client.SendPush({ push }, waiting(), bounded(), done))
const sendPushes = (client: Client, pushes: Push[]) =>
  asked<SendPushesResponse>(done => client.SendPushes({ pushes }, waiting(), bounded(), done))

async function sendBatch(client: Client, pushes: Push[]) {
  const results: PushResult[] = []
  const stream = client.SendBatch(waiting(), bounded())
  stream.on('data', (answer: SendBatchResponse) => {
    for (const result of answer.results ?? []) results[result.index ?? 0] = result
  })
  const ended = once(stream, 'end')
  stream.write({ pushes })
  stream.end()
  await ended
  return results
}

function check({ name, result: expected, todo }: Finding, rpc: string, result?: PushResult) {
  assert.ok(result, `${name} by ${rpc}: no result`)
  assert.equal(handle(result), todo, `${name} by ${rpc}`)
  // Without what differs by RPC, by time, or is prose.
  const { index, detail, upstream_id, token_invalid_since, ...found } = result
  assert.deepEqual(found, expected, `${name} by ${rpc}`)
}

async function findings(client: Client) {
  const pushes = table.findings.map(({ push }) => push)
  const together = await sendPushes(client, pushes)
  const streamed = await sendBatch(client, pushes)
  for (const [n, finding] of table.findings.entries()) {
    check(finding, 'SendPush', (await sendPush(client, finding.push)).result ?? undefined)
    check(finding, 'SendPushes', together.results?.[n])
    check(finding, 'SendBatch', streamed[n])
  }
}

async function calls(client: Client, full: Client) {
  const good = table.findings[0]?.push
  const made: Record<string, () => Promise<unknown>> = {
    'no push': () => sendPush(client),
    '1,001 pushes': () => sendPushes(client, Array<Push>(1001).fill({})),
    // Field 1 is no number in the contract.
    'bytes that are no message': () => asked(done => client.makeUnaryRequest(
      '/fanfare.push.v1.PushService/SendPush', (bytes: Buffer) => bytes, bytes => bytes,
      Buffer.from([8, 1]), waiting(), bounded(), done,
    )),
    'a full gateway': () => sendPush(full, good),
  }
  for (const { name, code, reason, field } of table.calls) {
    const call = made[name]
    assert.ok(call, `no such call: ${name}`)
    const error: grpc.ServiceError = await call().then(() => assert.fail(`${name}: the call ended well`), error => error)
    assert.deepEqual(
      { code: grpc.status[error.code], ...details(error) }, { code, reason, domain: 'push.fanfare.dev', field }, name,
    )
  }
}

const client = connect(env('FANFARE_GRPC'))
const full = connect(env('FANFARE_FULL'))
try {
  await findings(client)
  await calls(client, full)
  console.log('TypeScript: each finding is the same by each RPC')
} finally {
  client.close()
  full.close()
}
