// Gateways, and the contract as a caller in Node uses it.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import grpc from '@grpc/grpc-js'
import protoLoader from '@grpc/proto-loader'
import protobuf from 'protobufjs'

/** How long a gateway may take to listen. */
const START_MS = 20_000

/** How long a gateway may take to end. */
const STOP_MS = 20_000

/** How long a call may take. */
const CALL_MS = 20_000

/** The variables that `tests/cross/run` sets: addresses, files and the binary. */
export const env = name => {
  const value = process.env[name]
  if (!value) throw new Error(`${name} is not set: run tests/cross/run`)
  return value
}

const contract = grpc.loadPackageDefinition(
  protoLoader.loadSync('fanfare/push/v1/push.proto', {
    includeDirs: [env('FANFARE_PROTO')], enums: String, longs: Number, defaults: true, oneofs: true,
  }),
)

/** A client of the gateway at `address`; `sendPush(push)` gives the result of one push. */
export function connect(address) {
  const stub = new contract.fanfare.push.v1.PushService(address, grpc.credentials.createInsecure())
  const call = promisify(stub.sendPush.bind(stub))
  return {
    stub,
    sendPush: async push => (await call({ push }, { deadline: Date.now() + CALL_MS })).result,
    close: () => stub.close(),
  }
}

/** Runs a gateway of its own on free ports; `stop()` ends it. */
export async function serve(dir, config) {
  const ready = join(dir, 'ready.json')
  const gateway = spawn(env('FANFARE_BIN'), ['serve', '--config', config, '--ready-file', ready], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const ended = once(gateway, 'exit')
  const stop = async () => {
    gateway.kill('SIGTERM')
    const late = setTimeout(() => gateway.kill('SIGKILL'), STOP_MS)
    const [code] = await ended
    clearTimeout(late)
    return code
  }
  for (const deadline = Date.now() + START_MS; !existsSync(ready); await sleep(20)) {
    if (gateway.exitCode !== null) throw new Error(`the gateway ended with ${gateway.exitCode}`)
    if (Date.now() > deadline) {
      gateway.kill('SIGKILL')
      throw new Error(`the gateway did not listen within ${START_MS} ms`)
    }
  }
  return { ...JSON.parse(readFileSync(ready, 'utf8')), stop }
}

/**
 * Runs `body` with a push service and a gateway that sends to it. `start(dir)` starts the service, on whose
 * `config` the gateway runs; `stop()` ends it.
 */
export async function withGateway(start, body) {
  const dir = mkdtempSync(join(tmpdir(), 'fanfare-cross-'))
  const service = await start(dir)
  try {
    const gateway = await serve(dir, service.config)
    const client = connect(gateway.grpc)
    try {
      const metric = (name, labels) => sample(gateway.admin, name, labels)
      await body({ service, client, metric, ca: readFileSync(join(dir, 'ca.pem')) })
    } finally {
      client.close()
      assert.equal(await gateway.stop(), 0, 'the gateway ends well')
    }
  } finally {
    await service.stop()
    rmSync(dir, { recursive: true })
  }
}

/** The sum of the samples of a metric whose labels contain `labels`, now. */
async function sample(admin, name, labels = '') {
  const page = await (await fetch(`http://${admin}/metrics`)).text()
  const lines = page.split('\n').filter(line => /[ {]/.exec(line)?.index === name.length && line.startsWith(name))
  return lines.filter(line => line.includes(labels)).reduce((sum, line) => sum + Number(line.split(' ').pop()), 0)
}

// What these tests read of google/rpc/status.proto and error_details.proto.
const { root } = protobuf.parse(`
  syntax = "proto3";
  package google.rpc;
  message Any { string type_url = 1; bytes value = 2; }
  message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
  message ErrorInfo { string reason = 1; string domain = 2; map<string, string> metadata = 3; }
  message BadRequest {
    message FieldViolation { string field = 1; string description = 2; }
    repeated FieldViolation field_violations = 1;
  }
`)

/** The google.rpc details of a failed call, by the name of their message. */
export function details(error) {
  const [bytes] = error.metadata.get('grpc-status-details-bin')
  const status = root.lookupType('google.rpc.Status').decode(bytes)
  return Object.fromEntries(status.details.map(({ typeUrl, value }) => {
    const name = typeUrl.split('/').pop()
    return [name, root.lookupType(name).decode(value).toJSON()]
  }))
}
