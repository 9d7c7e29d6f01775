// A channel to a gateway, with the contract's service config.

import { readFileSync } from 'node:fs'
import * as grpc from '@grpc/grpc-js'
import protoLoader from '@grpc/proto-loader'
import type { ProtoGrpcType } from './generated/push.js'

const CALL_MS = 20_000

export const env = (name: string): string => {
  const value = process.env[name]
  if (!value) throw new Error(`${name} is not set: run tests/cross/run`)
  return value
}

const proto = env('FANFARE_PROTO')
// As package.json has the types generated.
const loaded = protoLoader.loadSync('fanfare/push/v1/push.proto', {
  includeDirs: [proto], keepCase: true, longs: Number, enums: String, oneofs: true,
})
const { PushService } = (grpc.loadPackageDefinition(loaded) as unknown as ProtoGrpcType).fanfare.push.v1

const serviceConfig = readFileSync(`${proto}/fanfare/push/v1/service_config.json`, 'utf8')

export const connect = (address: string, credentials = grpc.credentials.createInsecure()) =>
  new PushService(address, credentials, {
    'grpc.service_config': serviceConfig,
    'grpc.service_config_disable_resolution': 1,
  })

export type Client = ReturnType<typeof connect>

/** A call waits for a gateway that is ready, where it would fail at once. */
export const waiting = () => {
  const metadata = new grpc.Metadata()
  metadata.setOptions({ waitForReady: true })
  return metadata
}

export const bounded = (): grpc.CallOptions => ({ deadline: Date.now() + CALL_MS })

type Done<Answer> = (error: grpc.ServiceError | null, answer?: Answer) => void

/** A unary call as a promise. */
export const asked = <Answer>(call: (done: Done<Answer>) => unknown): Promise<Answer> =>
  new Promise((resolve, reject) => call((error, answer) => (error ? reject(error) : resolve(answer as Answer))))
