// The gateway reaches APNs through a CONNECT proxy on Node's http, which was not written here and parses its requests.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { withGateway } from './gateway.mjs'
import { startSimulator } from './simulator.mjs'
import { count, token, traffic, until } from './traffic.mjs'

const CREDENTIALS = 'gateway:open-sesame'

/** A proxy that opens tunnels to loopback for those who know the password. */
async function startProxy() {
  const seen = { asked: [], refused: 0 }
  const sockets = new Set()
  const proxy = http.createServer((_, response) => response.writeHead(405).end())
  proxy.on('connect', ({ url, headers }, client, head) => {
    if (headers['proxy-authorization'] !== `Basic ${btoa(CREDENTIALS)}`) {
      seen.refused += 1
      client.end('HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic realm="out"\r\ncontent-length: 0\r\n\r\n')
      return
    }
    seen.asked.push(url)
    const server = net.connect(Number(url.split(':').pop()), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n')
      server.write(head)
      server.pipe(client)
      client.pipe(server)
    })
    for (const [one, other] of [[client, server], [server, client]]) {
      sockets.add(one)
      one.on('error', () => other.destroy()).on('close', () => other.destroy())
    }
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const stop = () => {
    for (const socket of sockets) socket.destroy()
    proxy.close()
  }
  return { url: `http://127.0.0.1:${proxy.address().port}`, seen, stop }
}

/** A simulator, a proxy, and a gateway's configuration that leads through it. */
async function startBoth(dir, credentials) {
  const simulated = join(dir, 'simulator')
  const [simulator, proxy] = [await startSimulator(simulated), await startProxy()]
  writeFileSync(join(simulated, 'proxy-credentials'), credentials, { mode: 0o600 })
  writeFileSync(join(dir, 'ca.pem'), readFileSync(join(simulated, 'ca.pem')))
  const config = join(simulated, 'gateway.toml')
  writeFileSync(config, [
    '[grpc]\nlisten = "127.0.0.1:0"\n[admin]\nlisten = "127.0.0.1:0"\n[log]\nfilter = "off"',
    `[proxy]\nurl = "${proxy.url}"\ncredentials_file = "proxy-credentials"`,
    readFileSync(join(simulated, 'fanfare.toml'), 'utf8'),
  ].join('\n'))
  return {
    config, simulator, proxy,
    stop: async () => {
      proxy.stop()
      await simulator.stop()
    },
  }
}

const push = number => ({
  app: 'demo', id: `push-${number}`, target: { apns: { token: token(number) } },
  content: { notification: { title: 'Hello' } },
})

test('every push is accepted through the tunnel, whose proxy sees a host and a port', async () => {
  await withGateway(dir => startBoth(dir, CREDENTIALS), async ({ service, client, metric }) => {
    const verdicts = await traffic(client, { singles: 500, items: 500, say: push })
    assert.deepEqual(count(verdicts), { OUTCOME_ACCEPTED: 1000 })
    // The tunnels lead to APNs, and to Google's token endpoint, which the gateway asks before any push to FCM.
    const { production, fcm } = service.simulator.facts
    const hosts = [production, fcm.token_uri].map(url => new URL(url).host)
    const { asked } = service.proxy.seen
    await until(() => new Set(asked).size === hosts.length, 'a tunnel to each')
    assert.deepEqual(new Set(asked), new Set(hosts))
    const opened = () => metric('fanfare_upstream_connections_opened_total')
    await until(async () => asked.length === await opened(), 'a connection in each tunnel')
    assert.equal(service.proxy.seen.refused, 0)
  })
})

test('wrong credentials are said as such, and not said themselves', async () => {
  await withGateway(dir => startBoth(dir, 'gateway:wrong-word'), async ({ service, client }) => {
    const { outcome, delivery, attempts, detail } = await client.sendPush({ ...push(1), options: { maxWait: { seconds: 3 } } })
    assert.deepEqual([outcome, delivery, attempts], ['OUTCOME_UPSTREAM_UNAVAILABLE', 'DELIVERY_NO', 0])
    assert.match(detail, /status 407 \(it wants other credentials/)
    assert.doesNotMatch(detail, /wrong-word/)
    assert.ok(service.proxy.seen.refused > 0)
    assert.deepEqual(service.proxy.seen.asked, [])
  })
})
