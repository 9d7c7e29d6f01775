// A sender to APNs with nothing but Node: one HTTP/2 session, and another once it has ended.

import { createPrivateKey, sign } from 'node:crypto'
import http2 from 'node:http2'

export class Sender {
  #session
  #token

  constructor(simulator) {
    this.facts = simulator.facts
    const part = value => Buffer.from(JSON.stringify(value)).toString('base64url')
    const claims = { iss: this.facts.team_id, iat: Math.floor(Date.now() / 1000) }
    const text = `${part({ alg: 'ES256', kid: this.facts.key_id })}.${part(claims)}`
    const key = { key: createPrivateKey(simulator.read('AuthKey.p8')), dsaEncoding: 'ieee-p1363' }
    this.#token = `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`
  }

  /** Resolves with the answer; rejects where the stream ends without one, or where the signal is over. */
  send(device, signal) {
    if (!this.#session || this.#session.closed || this.#session.destroyed) {
      this.#session = http2.connect(this.facts.production)
      // What ends the session is told by each of its streams.
      this.#session.on('error', () => {})
    }
    const request = this.#session.request({
      ':method': 'POST', ':path': `/3/device/${device}`, authorization: `bearer ${this.#token}`,
      'apns-topic': this.facts.topics[0], 'apns-push-type': 'alert',
    }, { signal })
    return new Promise((resolve, reject) => {
      let status, body = ''
      request.setEncoding('utf8')
      request.on('response', headers => { status = headers[':status'] })
      request.on('data', piece => { body += piece })
      request.on('error', reject)
      request.on('close', () => {
        if (status) resolve({ status, ...(body ? JSON.parse(body) : {}) })
        else reject(new Error(`the stream was closed with code ${request.rstCode}`))
      })
      request.end(JSON.stringify({ aps: { alert: 'Hello' } }))
    })
  }

  close() {
    this.#session?.destroy()
  }
}
