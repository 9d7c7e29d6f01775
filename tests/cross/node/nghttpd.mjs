// nghttpd, nghttp2's server of files, as a witness: its verbose log names every frame that it received and sent.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { APP, certificates } from './identity.mjs'
import { token, until } from './traffic.mjs'
import { browser, configure } from './web-push-stand-in.mjs'

/** A port of loopback that nobody listens on just now. */
export async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

/**
 * Serves an empty file for each of `tokens`, with at most `streams` on a connection; `restart()` kills it first, and
 * `say(number)` is a push to it. It stands in for a push service of browsers, which takes a push by status alone: APNs
 * would have to answer with an `apns-id`, which a server of files does not know.
 */
export async function startNghttpd(dir, { streams, tokens }) {
  certificates(dir)
  const devices = join(dir, 'htdocs', '3', 'device')
  mkdirSync(devices, { recursive: true })
  for (const token of tokens) writeFileSync(join(devices, token), '')
  const port = await freePort()
  const logs = []
  let server
  const start = async () => {
    const log = join(dir, `nghttpd-${logs.length}.log`)
    logs.push(log)
    const out = openSync(log, 'w')
    server = spawn('nghttpd', [
      '--verbose', '--address=127.0.0.1', `--max-concurrent-streams=${streams}`, `--htdocs=${join(dir, 'htdocs')}`,
      String(port), join(dir, 'localhost.key'), join(dir, 'localhost.pem'),
    ], { stdio: ['ignore', out, out] })
    closeSync(out)
    await until(() => server.exitCode !== null || readFileSync(log, 'utf8').includes('listen 127.0.0.1'), 'nghttpd')
    assert.equal(server.exitCode, null, 'nghttpd runs')
  }
  const stop = async () => {
    const ended = once(server, 'exit')
    server.kill('SIGKILL')
    await ended
  }
  await start()
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { x, y } = publicKey.export({ format: 'jwk' })
  const point = Buffer.concat([Buffer.from([4]), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')])
  const { keys } = browser()
  return {
    config: configure(dir, privateKey.export({ type: 'pkcs8', format: 'pem' }), point.toString('base64url')),
    say: number => ({
      app: APP, id: `push-${number}`,
      target: { webPush: { endpoint: `https://localhost:${port}/3/device/${token(number)}`, ...keys } },
      content: { notification: { title: `push ${number}` } },
    }),
    restart: async () => {
      await stop()
      await start()
    },
    stop,
    witness: () => logs.map(log => read(readFileSync(log, 'utf8'))),
  }
}

/** What a log tells: each whole request, the connections, the most streams open on one, the frames of each kind. */
export function read(log) {
  const requests = []
  const open = new Map()
  const seen = { requests, answered: 0, connections: new Set(), peak: 0, received: {} }
  for (const line of log.split('\n')) {
    const [, connection, rest] = /^\[id=(\d+)\] \[ *[\d.]+\] (.*)$/.exec(line) ?? []
    if (!connection) continue
    seen.connections.add(connection)
    const [, name, value] = /^recv \(stream_id=\d+\) (:?[\w-]+): (.*)$/.exec(rest) ?? []
    const key = `${connection}/${/stream_id=(\d+)/.exec(rest)?.[1]}`
    const [, way, kind, flags] = /^(recv|send) (\w+) frame <length=\d+, flags=0x(\w+)/.exec(rest) ?? []
    if (name) {
      if (!open.has(key)) open.set(key, { connection, headers: {} })
      open.get(key).headers[name] = value
    } else if (way === 'recv') {
      seen.received[kind] = (seen.received[kind] ?? 0) + 1
      const mine = [...open.values()].filter(stream => stream.connection === connection).length
      seen.peak = Math.max(seen.peak, mine)
      if (kind === 'DATA' && parseInt(flags, 16) & 1) requests.push(open.get(key).headers)
    } else if (way === 'send' && ['HEADERS', 'DATA'].includes(kind) && parseInt(flags, 16) & 1) {
      seen.answered += 1
      open.delete(key)
    }
  }
  return seen
}
