#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cmath>
#include <optional>

#include "base/log.hpp"
#include "base/task_thread.hpp"
#include "transports/stream.hpp"
#include "transports/web/bridge.hpp"
#include "transports/web/services.hpp"
#include "transports/web/signed_request.hpp"
#include "transports/web/upload_form.hpp"
#include "transports/web/upload_store.hpp"

namespace crosspoint::transports::web {
namespace {

using nlohmann::json;

/// Chunks that wait for the disk at a time.
constexpr std::uint32_t kMaxWaiting = 64;
/// What a form may be larger than the chunk in it. The last chunk of a file may be twice as large as the others.
constexpr std::size_t kFormSize = 64 * 1024;
constexpr std::chrono::seconds kLook{10};

std::optional<std::uint64_t> to_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && !text.empty() ? std::optional(value)
                                                                                   : std::nullopt;
}

/// What is to be published of one request.
struct Report {
  std::string topic;  ///< empty: nothing
  std::string options = "{\"acknowledge\":true}";
  std::vector<json> events;
};

/// A request and what has come of it.
struct Job {
  std::shared_ptr<HttpExchange> exchange;
  base::IoThread& io;
  unsigned status = 200;
  std::string text{};
  Report report{};
};

/// Takes files that are sent in chunks, as Resumable.js sends them.
class UploadService final : public HttpService {
 public:
  UploadService(const settings::Upload& settings, UploadStore store, BridgeSession& session)
      : settings_(settings),
        session_(session),
        store_(std::move(store)),
        writer_(kLook, [this] { store_.remove_stale(std::chrono::steady_clock::now()); }) {}

  std::size_t body_limit(std::string_view) const override { return 2 * settings::kMaxUploadChunkSize + kFormSize; }

  void handle(std::shared_ptr<HttpExchange> exchange, std::string_view) const override {
    const HttpRequest& request = exchange->request();
    const bool asks = request.method == "GET";
    if (!asks && request.method != "POST") return exchange->respond(method_not_allowed("GET, POST"));
    if (exchange->stream() == nullptr) return;
    if (++waiting_ > kMaxWaiting) {
      --waiting_;
      HttpResponse busy = HttpResponse::text(503, "too many chunks wait for the disk\n");
      busy.set("Retry-After", "1");
      return exchange->respond(std::move(busy));
    }
    base::IoThread& io = exchange->stream()->io();
    auto job = std::make_shared<Job>(Job{std::move(exchange), io});
    // The job ends on its connection's thread.
    writer_.post([this, asks, job = std::move(job)]() mutable {
      asks ? look_up(*job) : take(*job);
      --waiting_;
      base::IoThread& home = job->io;
      home.post([this, job = std::move(job)] { conclude(*job); });
    });
  }

 private:
  static void refuse(Job& job, unsigned status, std::string_view problem) {
    job.status = status;
    job.text = problem;
  }

  /// GET: is a chunk there already? On the writer's thread, as the others down to conclude().
  void look_up(Job& job) const {
    const HttpRequest& request = job.exchange->request();
    const auto query = parse_query(request.query);
    if (!query) return refuse(job, 400, "the query is malformed");
    std::string name;
    std::optional<std::uint64_t> number;
    for (const auto& [key, value] : *query) {
      if (key == settings_.fields.file_name) name = value;
      if (key == settings_.fields.chunk_number) number = to_number(value);
    }
    if (name.empty() || !number) {
      return refuse(
          job, 400,
          fmt::format("the query must have {} and {}", settings_.fields.file_name, settings_.fields.chunk_number));
    }
    if (store_.has(name, *number)) return refuse(job, 200, "the chunk is there");
    refuse(job, 404, "the chunk is not there");
  }

  /// POST: a chunk.
  void take(Job& job) const {
    const HttpRequest& request = job.exchange->request();
    Form form;
    if (const auto problem = parse_form(request.header("content-type"), request.body, form); !problem.empty()) {
      return refuse(job, 400, problem);
    }
    const settings::Upload::Fields& fields = settings_.fields;
    UploadChunk chunk;
    const auto read = [&](const std::string& field, std::uint64_t& out) {
      const auto at = form.find(field);
      const auto value = at != form.end() ? to_number(at->second) : std::nullopt;
      if (!value) {
        refuse(job, 400, fmt::format("the field {} must be a number", field));
        return false;
      }
      out = *value;
      return true;
    };
    if (!read(fields.total_size, chunk.total_size) || !read(fields.chunk_size, chunk.chunk_size) ||
        !read(fields.total_chunks, chunk.total_chunks) || !read(fields.chunk_number, chunk.number)) {
      return;
    }
    const auto name = form.find(fields.file_name);
    const auto content = form.find(fields.content);
    if (name == form.end() || content == form.end()) {
      return refuse(job, 400, fmt::format("the fields {} and {} must be there", fields.file_name, fields.content));
    }
    chunk.name = name->second;
    chunk.content = content->second;
    json chunk_extra = json::object();
    json finish_extra = json::object();
    if (!read_extra(job, form, fields.chunk_extra, chunk_extra) ||
        !read_extra(job, form, fields.finish_extra, finish_extra) || !read_topic(job, form)) {
      return;
    }
    const UploadOutcome outcome = store_.add(chunk, std::chrono::steady_clock::now());
    if (outcome.status != 200) return refuse(job, outcome.status, outcome.problem);
    if (!job.report.topic.empty()) describe(chunk, outcome, chunk_extra, finish_extra, job.report);
  }

  static bool read_extra(Job& job, const Form& form, const std::string& field, json& out) {
    const auto at = field.empty() ? form.end() : form.find(field);
    if (at == form.end() || parse_json(at->second, out)) return true;
    refuse(job, 400, fmt::format("the field {} must be JSON", field));
    return false;
  }

  bool read_topic(Job& job, const Form& form) const {
    const auto& fields = settings_.fields;
    const auto topic = fields.on_progress.empty() ? form.end() : form.find(fields.on_progress);
    if (topic == form.end() || topic->second.empty()) return true;
    job.report.topic = topic->second;
    const auto session = fields.session.empty() ? form.end() : form.find(fields.session);
    if (session == form.end()) return true;
    const auto id = to_number(session->second);
    if (!id) {
      refuse(job, 400, fmt::format("the field {} must be a number", fields.session));
      return false;
    }
    job.report.options = fmt::format("{{\"acknowledge\":true,\"eligible\":[{}]}}", *id);
    return true;
  }

  /// The events of a chunk, as Crossbar has them.
  static void describe(const UploadChunk& chunk, const UploadOutcome& outcome, const json& chunk_extra,
                       const json& finish_extra, Report& report) {
    const auto event = [&](const char* status, std::uint64_t received, double progress) {
      json about{{"id", chunk.name},          {"chunk", chunk.number},     {"name", chunk.name},
                 {"total", chunk.total_size}, {"status", status},          {"remaining", chunk.total_size - received},
                 {"progress", progress},      {"chunk_extra", chunk_extra}};
      report.events.push_back(std::move(about));
    };
    const auto part = [&] {
      const double share = static_cast<double>(outcome.received) / static_cast<double>(chunk.total_size);
      return std::round(share * 1000) / 1000;
    };
    if (outcome.first) event("started", 0, 0.0);
    if (chunk.total_chunks > 1) event("progress", outcome.received, part());
    if (!outcome.finished) return;
    event("finished", chunk.total_size, 1.0);
    report.events.back()["finish_extra"] = finish_extra;
  }

  /// On the connection's thread.
  void conclude(Job& job) const {
    HttpResponse response = HttpResponse::text(job.status, job.text.empty() ? "" : job.text + "\n");
    job.exchange->respond(std::move(response));
    for (const json& event : job.report.events) {
      std::uint64_t id = 0;
      const auto problem = session_.publish(
          job.io, job.report.topic, job.report.options, ",[" + event.dump() + "]",
          [topic = job.report.topic](const BridgeSession::Answer& answer) {
            if (answer.error.empty()) return;
            log::warn("upload: progress was not published to \"{}\": {}", topic, answer.error);
          },
          id);
      if (!problem.empty()) log::warn("upload: progress was not published: {}", problem);
    }
  }

  settings::Upload settings_;
  BridgeSession& session_;
  mutable UploadStore store_;  // the writer's
  mutable std::atomic<std::uint32_t> waiting_ = 0;
  mutable base::TaskThread writer_;  // ends first
};

}  // namespace

std::unique_ptr<HttpService> make_upload(const settings::Upload& settings, const ServiceContext& context) {
  UploadStore store(settings);
  if (const std::string problem = store.open(); !problem.empty()) {
    context.refuse("upload: " + problem);
    return nullptr;
  }
  return std::make_unique<UploadService>(settings, std::move(store), context.make_bridge_session(settings.target, {}));
}

}  // namespace crosspoint::transports::web
