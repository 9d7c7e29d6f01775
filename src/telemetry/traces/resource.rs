//! Who sends the spans.

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::EnvResourceDetector;

/// Who sends the spans: what `OTEL_RESOURCE_ATTRIBUTES` says, and over it the name of this service where one is configured.
pub(super) fn resource(service_name: Option<&str>) -> Resource {
    let said = Resource::builder_empty().with_detector(Box::new(EnvResourceDetector::new())).build();
    let mut resource = Resource::builder_empty()
        .with_service_name("fanfare")
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_attribute(KeyValue::new("service.instance.id", uuid::Uuid::new_v4().to_string()))
        .with_attributes(said.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone())));
    if let Some(name) = service_name {
        resource = resource.with_service_name(name.to_owned());
    }
    resource.build()
}
