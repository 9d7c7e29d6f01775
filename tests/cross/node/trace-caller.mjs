// A caller in Node that hands its trace on, as W3C Trace Context writes it: trace-caller.mjs ADDRESS DEVICE_TOKEN.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import grpc from '@grpc/grpc-js'
import { connect } from './gateway.mjs'

const [address, token] = process.argv.slice(2)
const [trace, span] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')]
const metadata = new grpc.Metadata()
metadata.set('traceparent', `00-${trace}-${span}-01`)
const gateway = connect(address)
const push = { app: 'demo', target: { apns: { token } }, content: { notification: { title: 'Hello' } } }
const { result } = await promisify(gateway.stub.sendPush.bind(gateway.stub))({ push }, metadata)
assert.equal(result.outcome, 'OUTCOME_ACCEPTED')
gateway.close()
console.log(trace, span)
