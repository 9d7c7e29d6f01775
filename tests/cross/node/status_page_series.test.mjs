// The half hour that the status page draws is joined from events. The script runs as the page has it, without a browser.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import vm from 'node:vm'

/** How many samples the gateway keeps. */
const SPAN = 360

const script = readFileSync(new URL('../../../src/ingress/admin/page/view.js', import.meta.url), 'utf8')

/** A page that has shown nothing yet. */
function page() {
  const context = vm.createContext({ SPAN, makeTables: () => ({}), makePlots: () => () => {} })
  vm.runInContext(script, context)
  return {
    join: news => context.join(structuredClone(news)),
    series: () => JSON.parse(vm.runInContext('JSON.stringify(series)', context)),
  }
}

/** The samples from one number to another, both included; the time of each is its number. */
function samples(first, last, outcome = 'accepted') {
  const at = Array.from({ length: last - first + 1 }, (_, index) => first + index)
  return { first, at, p50_ms: at, p90_ms: at, p99_ms: at, per_second: { [outcome]: at } }
}

test('events after the first bring the newest samples alone', () => {
  const { join, series } = page()
  assert.equal(join(samples(1, 3)), true)
  assert.equal(join(samples(4, 3)), false, 'there is nothing new')
  assert.equal(join(samples(4, 5)), true)
  assert.deepEqual(series(), samples(1, 5))
})

test('what is older than the half hour is left out', () => {
  const { join, series } = page()
  join(samples(1, SPAN))
  for (let number = SPAN + 1; number <= SPAN + 10; number += 1) join(samples(number, number))
  assert.deepEqual(series(), samples(11, SPAN + 10))
})

test('an outcome that is new was zero before', () => {
  const { join, series } = page()
  join(samples(1, 2))
  join(samples(3, 3, 'expired'))
  assert.deepEqual(series().per_second, { accepted: [1, 2, 0], expired: [0, 0, 3] })
})

// A page that connects again is told the whole half hour, of which it knows a part, all, or nothing.
for (const missed of [0, 1, 100, SPAN - 1, SPAN, SPAN + 1, 5 * SPAN]) {
  test(`after ${missed} samples without a connection each is there once`, () => {
    const { join, series } = page()
    join(samples(1000, 1000 + SPAN - 1))
    const whole = samples(1000 + missed, 1000 + missed + SPAN - 1)
    join(whole)
    assert.deepEqual(series(), whole)
    join(samples(1000 + missed + SPAN, 1000 + missed + SPAN))
    assert.deepEqual(series(), samples(1001 + missed, 1000 + missed + SPAN))
  })
}

test('a gateway that was started again counts from the start', () => {
  const { join, series } = page()
  join(samples(1000, 1000 + SPAN - 1))
  join(samples(1, 4))
  assert.deepEqual(series(), samples(1, 4))
})
