mod payloads;
mod recorded;
mod routes;
