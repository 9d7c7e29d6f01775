"""A caller in Python that hands its trace on, by OpenTelemetry's own propagator: trace_caller.py ADDRESS DEVICE_TOKEN."""

import random
import sys

from conftest import CALL, connect, request
from fanfare.push.v1 import push_pb2 as pb
from fanfare.push.v1 import push_pb2_grpc
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

address, token = sys.argv[1:]
span = trace.SpanContext(
    trace_id=random.getrandbits(128) | 1,
    span_id=random.getrandbits(64) | 1,
    is_remote=False,
    trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED),
)
headers = {}
TraceContextTextMapPropagator().inject(headers, trace.set_span_in_context(trace.NonRecordingSpan(span)))
with connect(address) as channel:
    stub = push_pb2_grpc.PushServiceStub(channel)
    result = stub.SendPush(request(token=token), timeout=CALL, metadata=list(headers.items())).result
assert result.outcome == pb.OUTCOME_ACCEPTED, result
print(trace.format_trace_id(span.trace_id), trace.format_span_id(span.span_id))
