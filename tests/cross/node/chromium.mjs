// Starts a headless Chromium for one test, and drives it over the DevTools protocol.
// Source: https://chromedevtools.github.io/devtools-protocol/

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { env } from './gateway.mjs'

/** How long Chromium may take to start, to answer and to end, on a busy machine. */
export const PATIENCE_MS = 60_000
/** How much of its last output is shown when it ends too early. */
const MOST_SAID = 64 * 1024

const ARGUMENTS = [
  '--headless', '--remote-debugging-pipe', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run',
  // These flags keep it on loopback; a request for any other name finds no address. Chromium opens a UDP socket to look for a
  // route of IPv6, but sends nothing on it.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1', '--no-proxy-server',
  '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-default-apps',
  '--disable-breakpad', '--password-store=basic',
  // The sandbox of Chromium refuses to start as root.
  ...process.getuid() === 0 ? ['--no-sandbox'] : [],
]

/**
 * Starts it with a profile of its own. The protocol is spoken on two pipes, a NUL behind each message; it ends when
 * they do, so that none outlives its test. `send(method, params, sessionId)` gives the result of a command.
 */
export function startChromium() {
  const profile = mkdtempSync(join(tmpdir(), 'fanfare-chromium-'))
  const chromium = spawn(env('CHROMIUM_BINARY'), [...ARGUMENTS, `--user-data-dir=${profile}`], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, HOME: profile, XDG_CONFIG_HOME: profile, TMPDIR: profile },
  })
  const [, , errors, requests, answers] = chromium.stdio
  // The processes it starts hold its stderr too, and write to the profile: it closes when the last of them has ended.
  const ended = once(chromium, 'close')
  let said = ''
  errors.setEncoding('utf8').on('data', text => { said = (said + text).slice(-MOST_SAID) })
  const waiting = new Map()
  const listeners = new Map()

  const take = ({ id, result, error, method, params }) => {
    if (id === undefined) return listeners.get(method)?.(params)
    waiting.get(id)?.(error ? { error } : { result })
    waiting.delete(id)
  }
  let rest = ''
  answers.setEncoding('utf8').on('data', text => {
    const messages = (rest + text).split('\0')
    rest = messages.pop()
    for (const message of messages) take(JSON.parse(message))
  })
  // What ended it is told below.
  requests.on('error', () => {})
  chromium.on('exit', code => {
    const error = { message: `Chromium ended with ${code}: ${said}` }
    for (const answer of waiting.values()) answer({ error })
  })

  let last = 0
  return {
    send: async (method, params = {}, sessionId = undefined) => {
      assert.equal(chromium.exitCode, null, 'Chromium runs')
      const id = ++last
      let late
      const { result, error } = await new Promise(resolve => {
        waiting.set(id, resolve)
        late = setTimeout(() => resolve({ error: { message: `no answer within ${PATIENCE_MS} ms` } }), PATIENCE_MS)
        requests.write(`${JSON.stringify({ id, method, params, sessionId })}\0`)
      })
      clearTimeout(late)
      if (error) throw new Error(`${method}: ${error.message}`)
      return result
    },
    on: (method, listener) => listeners.set(method, listener),
    stop: async () => {
      chromium.kill('SIGTERM')
      const late = setTimeout(() => chromium.kill('SIGKILL'), PATIENCE_MS)
      await ended
      clearTimeout(late)
      rmSync(profile, { recursive: true, force: true })
    },
  }
}
