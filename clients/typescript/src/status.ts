// What the status of a call that failed says, beside its code.

import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import { type ServiceError, status } from '@grpc/grpc-js'

/**
 * Whether a call that failed has surely sent nothing; of a stream, nothing that its last message does not count as read.
 * Otherwise the push may have been delivered. Only the gateway's own statuses say so, and of these a bug (INTERNAL) does not.
 * Libraries and proxies make others, also when only the answer was lost.
 */
export const nothingSent = (error: ServiceError): boolean =>
  error.code !== status.INTERNAL && domains(error).includes('push.fanfare.dev')

/** How many milliseconds the gateway asks to wait. */
export const advisedWait = (error: ServiceError): number =>
  Number(error.metadata.get('grpc-retry-pushback-ms')[0] ?? 0) || 0

/** The domain of each ErrorInfo. Source: googleapis, google/rpc/status.proto and error_details.proto. */
function domains(error: ServiceError): string[] {
  const [details] = error.metadata.get('grpc-status-details-bin')
  if (!(details instanceof Uint8Array)) return []
  try {
    return fields(details, 3) // Status.details, each an Any
      .filter((any) => text(fields(any, 1)[0]).endsWith('/google.rpc.ErrorInfo')) // Any.type_url
      .map((any) => text(fields(fields(any, 2)[0] ?? new Uint8Array(), 2)[0])) // Any.value, and ErrorInfo.domain in it
  } catch {
    return []
  }
}

const text = (bytes?: Uint8Array): string => new TextDecoder().decode(bytes)

/** The values of one field, as bytes. */
function fields(message: Uint8Array, wanted: number): Uint8Array[] {
  const reader = new BinaryReader(message)
  const found: Uint8Array[] = []
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag()
    if (field === wanted && type === WireType.LengthDelimited) found.push(reader.bytes())
    else reader.skip(type, field)
  }
  return found
}
