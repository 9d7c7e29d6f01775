// Node's http2 as a server that echoes: `node node.mjs [CERTIFICATE KEY]`, without TLS if there is no certificate.
// It prints its port, and answers 409 to a path that comes a second time.

import { readFileSync } from 'node:fs'
import http2 from 'node:http2'

const [certificate, key] = process.argv.slice(2)
const server = certificate
  ? http2.createSecureServer({ cert: readFileSync(certificate), key: readFileSync(key) })
  : http2.createServer()
const seen = new Set()
server.on('stream', (stream, { ':path': path }) => {
  const parts = []
  stream.on('data', part => parts.push(part))
  stream.on('end', () => {
    stream.respond({ ':status': seen.has(path) ? 409 : 200 })
    seen.add(path)
    stream.end(Buffer.concat(parts))
  })
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
