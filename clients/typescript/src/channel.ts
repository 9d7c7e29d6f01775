// How a gateway is reached, and what it is shown.

import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import * as grpc from '@grpc/grpc-js'

export interface Settings {
  /** There is no TLS, as for a gateway on loopback. Without it, there is. */
  plaintext?: boolean
  /** The authorities that the gateway's certificate may come from; otherwise those that Node brings. */
  caFile?: string
  /** The client certificate that is shown. Make another client once it is renewed. */
  certificateFile?: string
  keyFile?: string
  /** A JWT or a static key, alone. It is read for each call, and never sent without TLS. */
  tokenFile?: string
  /** The deadline of a `send`, and how long `sendBatch` waits for a gateway, in milliseconds: 30,000. */
  deadline?: number
  /** How many pushes of a batch are open at most: 4096, which is the gateway's `limits.batch_window`. */
  window?: number
}

export const options: grpc.ChannelOptions = {
  'grpc.service_config': readFileSync(new URL('generated/service_config.json', import.meta.url), 'utf8'),
  // DNS may have another one (gRFC A2), whose policy may repeat what was sent already.
  'grpc.service_config_disable_resolution': 1,
  // The gateway asks a silent connection whether it lives by the same times: grpc.keepalive_interval and
  // grpc.keepalive_timeout by default.
  'grpc.keepalive_time_ms': 60_000,
  'grpc.keepalive_timeout_ms': 20_000,
  // By default two minutes, for which a gateway that is back would go unused.
  'grpc.max_reconnect_backoff_ms': 10_000,
}

/** What the channel trusts and shows. */
export function credentials(settings: Settings): grpc.ChannelCredentials {
  const { plaintext, caFile, certificateFile, keyFile, tokenFile } = settings
  if (plaintext) {
    for (const name of ['caFile', 'certificateFile', 'tokenFile'] as const) {
      if (!settings[name]) continue
      throw new TypeError(`${name} has no place beside plaintext: nothing is verified or shown without TLS`)
    }
    return grpc.credentials.createInsecure()
  }
  if (!certificateFile !== !keyFile) {
    throw new TypeError('certificateFile and keyFile belong together, and one of them is missing')
  }
  const read = (file?: string) => (file ? readFileSync(file) : null)
  const tls = grpc.credentials.createSsl(read(caFile), read(keyFile), read(certificateFile))
  return tokenFile ? grpc.credentials.combineChannelCredentials(tls, token(tokenFile)) : tls
}

// The file is read for each call, because tokens are renewed on disk.
const token = (file: string) => grpc.credentials.createFromMetadataGenerator((_, done) => {
  readFile(file, 'utf8').then(
    (text) => {
      const metadata = new grpc.Metadata()
      metadata.set('authorization', `Bearer ${text.trim()}`)
      done(null, metadata)
    },
    (error: Error) => done(error),
  )
})

/** A call waits for a gateway that is ready. Otherwise it would fail at once, and nobody knew whether it was sent. */
export const waiting = (): grpc.Metadata => new grpc.Metadata({ waitForReady: true })
