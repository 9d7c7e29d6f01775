// A gateway with the simulator, as processes that a test may kill.

import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const START_MS = 20_000
export const BINARY = process.env.FANFARE_BIN

async function untilWritten(file, process) {
  const deadline = Date.now() + START_MS
  while (!existsSync(file) || readFileSync(file, 'utf8') === '') {
    if (process.exitCode !== null || Date.now() > deadline) throw new Error(`${file} was not written`)
    await sleep(20)
  }
  return JSON.parse(readFileSync(file, 'utf8'))
}

async function end(process, signal) {
  const ended = once(process, 'exit')
  if (process.exitCode === null && process.signalCode === null) {
    process.kill(signal)
    await ended
  }
}

/** One that no connection is given by itself, so that nobody takes it while its gateway is down. */
async function freePort() {
  for (;;) {
    const port = randomInt(20_000, 30_000) // Linux gives 32768 and above: net.ipv4.ip_local_port_range.
    const server = createServer()
    const free = await new Promise((resolve) => {
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true))
    })
    server.close()
    if (free) return port
  }
}

const folder = () => mkdtempSync(join(tmpdir(), 'fanfare-node-'))

export class Simulator {
  static async start(...flags) {
    const it = new Simulator()
    it.dir = folder()
    it.process = spawn(BINARY, ['simulate', '--quiet', '--dir', it.dir, ...flags], { stdio: 'inherit' })
    it.control = (await untilWritten(join(it.dir, 'simulator.json'), it.process)).control
    return it
  }

  async stop() {
    await end(this.process, 'SIGKILL')
    rmSync(this.dir, { recursive: true })
  }

  /** How often a push to each device token has arrived. */
  async arrived() {
    const tokens = new Map()
    for (let after = 0, more = true; more;) {
      const answer = await fetch(`${this.control}/v1/journal?service=apns_production&limit=1000&after=${after}`)
      const page = await answer.json()
      for (const { token } of page.entries) tokens.set(token, (tokens.get(token) ?? 0) + 1)
      ;({ last: after, more } = page)
    }
    return tokens
  }
}

/** Keeps its port when it is started again, so that clients find it. */
export class Gateway {
  static async start(simulator, configuration = '') {
    const it = new Gateway()
    it.address = `127.0.0.1:${await freePort()}`
    it.config = join(simulator.dir, 'gateway.toml')
    it.ready = join(simulator.dir, 'ready.json')
    const text = readFileSync(join(simulator.dir, 'fanfare.toml'), 'utf8')
    writeFileSync(it.config, `[log]\nfilter = "error"\n${configuration}\n${text}`)
    await it.again()
    return it
  }

  async again() {
    rmSync(this.ready, { force: true })
    const env = { ...process.env, FANFARE__GRPC__LISTEN: this.address, FANFARE__ADMIN__LISTEN: '127.0.0.1:0' }
    const flags = ['serve', '--config', this.config, '--ready-file', this.ready]
    this.process = spawn(BINARY, flags, { env, stdio: 'inherit' })
    await untilWritten(this.ready, this.process)
  }

  end(signal) {
    return end(this.process, signal)
  }
}
