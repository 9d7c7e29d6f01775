// Google's clients in Node have their hosts written in them. Here they keep them: only the socket leads to the simulator,
// whose certificate has these names by `--san`. NODE_EXTRA_CA_CERTS says whom Node trusts.

import http2 from 'node:http2'
import https from 'node:https'
import tls from 'node:tls'

/** An agent that goes to the simulator's FCM, whatever the host; firebase-admin and google-auth-library take one. */
export function agentTo(simulator) {
  const { hostname, port } = new URL(simulator.facts.fcm.origin)
  return new (class extends https.Agent {
    createConnection(options, done) {
      return super.createConnection({ ...options, host: hostname, port }, done)
    }
  })({ keepAlive: true })
}

/** firebase-admin takes no agent for HTTP/2, so for that the socket is put into Node's own `http2.connect`. */
export function leadHttp2To(simulator) {
  const { hostname, port } = new URL(simulator.facts.fcm.origin)
  const connect = http2.connect
  http2.connect = (authority, options) => connect(authority, {
    ...options,
    createConnection: ({ hostname: servername }) =>
      tls.connect({ host: hostname, port, servername, ALPNProtocols: ['h2'] }),
  })
  return () => { http2.connect = connect }
}
