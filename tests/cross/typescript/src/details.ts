// The google.rpc details of a status. grpc-js leaves them to its callers: they are a google.rpc.Status in a trailer.

import type { ServiceError } from '@grpc/grpc-js'
import protobuf from 'protobufjs'

// Source: googleapis, google/rpc/status.proto and error_details.proto.
const { root } = protobuf.parse(`
  syntax = "proto3";
  package google.rpc;
  message Any { string type_url = 1; bytes value = 2; }
  message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
  message ErrorInfo { string reason = 1; string domain = 2; map<string, string> metadata = 3; }
  message BadRequest {
    message FieldViolation { string field = 1; string description = 2; }
    repeated FieldViolation field_violations = 1;
  }
`)

interface Status { details: { typeUrl: string, value: Uint8Array }[] }
interface ErrorInfo { reason: string, domain: string }
interface BadRequest { fieldViolations: { field: string }[] }

/** What a failed call says beside its code; `field` is empty where none is at fault. */
export function details(error: ServiceError): ErrorInfo & { field: string } {
  const said = { reason: '', domain: '', field: '' }
  const [bytes] = error.metadata.get('grpc-status-details-bin')
  if (!Buffer.isBuffer(bytes)) return said
  const decode = (name: string, value: Uint8Array): unknown => root.lookupType(name).decode(value)
  for (const { typeUrl, value } of (decode('google.rpc.Status', bytes) as Status).details) {
    if (typeUrl.endsWith('/google.rpc.ErrorInfo')) {
      const { reason, domain } = decode('google.rpc.ErrorInfo', value) as ErrorInfo
      Object.assign(said, { reason, domain })
    } else if (typeUrl.endsWith('/google.rpc.BadRequest')) {
      said.field = (decode('google.rpc.BadRequest', value) as BadRequest).fieldViolations[0]?.field ?? ''
    }
  }
  return said
}
