// Starts nginx in front of a push proxy: it speaks TLS and keeps connections alive towards the gateway, and to the proxy too.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { env } from './gateway.mjs'
import { certificates } from './identity.mjs'
import { freePort } from './nghttpd.mjs'
import { until } from './traffic.mjs'

/** The app that sends through nginx. */
export const APP = 'chat'

/**
 * Starts nginx before the push proxy at `upstream`, http://host:port; `kept` is how many requests one connection may
 * carry. `log()` gives a line for each request: connection, its requests so far, status, protocol, device id.
 */
export async function startNginx(dir, { upstream, tls, kept, http = 'auto', front502 = 'unknown' }) {
  certificates(dir)
  const port = await freePort()
  mkdirSync(join(dir, 'temp'))
  const [log, errors] = [join(dir, 'access.log'), join(dir, 'error.log')]
  writeFileSync(join(dir, 'nginx.conf'), `
daemon off;
master_process off;
worker_processes 1;
pid ${dir}/nginx.pid;
error_log ${errors} warn;
events { worker_connections 512; }
http {
  client_body_temp_path ${dir}/temp/body;
  proxy_temp_path ${dir}/temp/proxy;
  fastcgi_temp_path ${dir}/temp/fastcgi;
  uwsgi_temp_path ${dir}/temp/uwsgi;
  scgi_temp_path ${dir}/temp/scgi;
  log_format line '$connection $connection_requests $status $server_protocol $request_body';
  access_log ${log} line;
  keepalive_requests ${kept};
  upstream push_proxy { server ${new URL(upstream).host}; keepalive 32; }
  server {
    listen 127.0.0.1:${port}${tls ? ` ssl${http === '2' ? ' http2' : ''}` : ''};
    ${tls ? `ssl_certificate ${dir}/localhost.pem; ssl_certificate_key ${dir}/localhost.key;` : ''}
    location / {
      proxy_pass http://push_proxy;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }
  }
}
`)
  const nginx = spawn(env('NGINX_BINARY'), ['-c', join(dir, 'nginx.conf'), '-p', dir, '-e', errors], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const ended = once(nginx, 'exit')
  await until(async () => nginx.exitCode !== null || await listens(port), 'nginx')
  assert.equal(nginx.exitCode, null, 'nginx runs')
  const origin = `${tls ? 'https' : 'http'}://localhost:${port}`
  return {
    config: configure(dir, origin, http, front502),
    log: () => readFileSync(log, 'utf8').trimEnd().split('\n').map(line => {
      const [connection, requests, status, protocol] = line.split(' ')
      const device = /\\x22device_id\\x22:\\x22([0-9a-f]+)/.exec(line)?.[1]
      return { connection, requests: Number(requests), status: Number(status), protocol, device }
    }),
    errors: () => readFileSync(errors, 'utf8'),
    stop: async () => {
      nginx.kill('SIGQUIT')
      await ended
    },
  }
}

async function listens(port) {
  const socket = net.connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

function configure(dir, origin, http, front502) {
  const config = join(dir, 'fanfare.toml')
  writeFileSync(config, `
[grpc]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[log]
filter = "warn"
[upstream]
max_connections_per_peer = 16
[apps.${APP}.mattermost]
url = "${origin}"
server_id = "server"
http = "${http}"
front_502 = "${front502}"
ca_files = ["ca.pem"]
`)
  return config
}
