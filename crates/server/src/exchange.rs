//! One line and one count per request. The line names the route, never the path or the query: links and tokens stay out
//! of the log, and so does every other text of the caller, even a method that it made up.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use api::Answered;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::Method;
use axum::http::header::CONTENT_LENGTH;
use axum::middleware::Next;
use axum::response::Response;

use crate::metrics::{RequestKind, Traffic, method_name};

/// Routes that supervisors ask every few seconds.
const PROBES: [&str; 3] = ["healthz", "readyz", "metrics"];

/// Watches a request until its answer is sent.
pub(crate) async fn observe(State(traffic): State<Traffic>, request: Request, next: Next) -> Response {
    let mut exchange = Exchange::begin(traffic, request.method());
    let without_body = request.method() == Method::HEAD;
    let response = next.run(request).await;
    exchange.answer(&response);
    let (mut parts, body) = response.into_parts();
    if without_body || body.is_end_stream() {
        exchange.end();
        return Response::from_parts(parts, body);
    }
    // A body that is watched does not tell its length any more.
    if let (false, Some(length)) = (parts.headers.contains_key(CONTENT_LENGTH), body.size_hint().exact()) {
        parts.headers.insert(CONTENT_LENGTH, length.into());
    }
    let length = parts.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    Response::from_parts(parts, Body::new(Watched { body, length, exchange }))
}

/// A body whose bytes are counted.
struct Watched {
    body: Body,
    length: Option<u64>,
    exchange: Exchange,
}

/// What a body says when it is asked for more.
type Polled = Poll<<http_body_util::combinators::Frame<'static, Body> as Future>::Output>;

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Polled {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            self.exchange.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
        // The end is noted before the last bytes leave, so that whoever has the whole answer finds its line.
        if matches!(polled, Poll::Ready(None)) || self.length == Some(self.exchange.bytes) {
            self.exchange.end();
        }
        polled
    }
}

/// A request and its answer. It ends when all is sent or, as cut off, when the connection lets go of it.
struct Exchange {
    traffic: Traffic,
    method: &'static str,
    started: Instant,
    answer: Option<Answer>,
    bytes: u64,
    ended: bool,
}

struct Answer {
    answered: Option<Answered>,
    status: u16,
    began_after: Duration,
}

impl Exchange {
    fn begin(traffic: Traffic, method: &Method) -> Self {
        traffic.in_flight.inc();
        Self { traffic, method: method_name(method), started: Instant::now(), answer: None, bytes: 0, ended: false }
    }

    fn answer(&mut self, response: &Response) {
        let answer = Answer {
            answered: response.extensions().get::<Answered>().cloned(),
            status: response.status().as_u16(),
            began_after: self.started.elapsed(),
        };
        let kind = RequestKind { route: answer.route(), method: self.method, status: answer.status };
        self.traffic.answered(&kind, answer.began_after);
        self.answer = Some(answer);
    }

    fn end(&mut self) {
        self.finish(true);
    }

    fn finish(&mut self, complete: bool) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.traffic.in_flight.dec();
        let method = self.method;
        let Some(answer) = &self.answer else {
            tracing::info!(http.method = method, complete, "{method}: the client left before there was an answer");
            return;
        };
        let (route, status, bytes) = (answer.route(), answer.status, self.bytes);
        self.traffic.sent(route, bytes);
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let (began, ended) = (micros(answer.began_after), micros(self.started.elapsed()));
        let id = answer.answered.as_ref().map(|answered| answered.request_id.as_str());
        let caller = answer.answered.as_ref().and_then(|answered| answered.caller.as_deref());
        let cut = if complete { "" } else { ", cut off" };
        macro_rules! log {
            ($level:ident) => {
                tracing::$level!(
                    http.method = method,
                    http.route = route,
                    http.status = status,
                    duration_us = began,
                    sent_us = ended,
                    bytes,
                    complete,
                    request.id = id,
                    caller.id = caller,
                    "{method} {route}: {status} after {began} us, {bytes} bytes{cut}"
                )
            };
        }
        if PROBES.contains(&route) && status < 400 { log!(debug) } else { log!(info) }
    }
}

impl Answer {
    fn route(&self) -> &'static str {
        self.answered.as_ref().map_or("unmatched", |answered| answered.route)
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.finish(false);
    }
}
