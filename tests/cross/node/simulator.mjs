// Starts a simulator for one test.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { env } from './gateway.mjs'
import { until } from './traffic.mjs'

/** Starts one below `dir`, with these further arguments; `facts` is what its simulator.json says. */
export async function startSimulator(dir, ...more) {
  mkdirSync(dir)
  const simulator = spawn(env('FANFARE_BIN'), ['simulate', '--dir', dir, ...more], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const ended = once(simulator, 'exit')
  const facts = join(dir, 'simulator.json')
  await until(() => simulator.exitCode !== null || existsSync(facts), 'the simulator')
  assert.equal(simulator.exitCode, null, 'the simulator runs')
  return {
    facts: JSON.parse(readFileSync(facts, 'utf8')),
    stop: async () => {
      simulator.kill('SIGTERM')
      await ended
    },
  }
}
