#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "base/log.hpp"
#include "transports/stream.hpp"
#include "transports/web/cgi_message.hpp"
#include "transports/web/services.hpp"

namespace crosspoint::transports::web {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using boost::system::error_code;
using Descriptor = asio::posix::stream_descriptor;

constexpr std::size_t kPart = 64 * 1024;
/// So much may wait for a client before no more is read from the script.
constexpr std::size_t kMaxQueued = 256 * 1024;
/// So much of what a script writes to its error output is logged.
constexpr std::size_t kMaxErrors = 2048;

/// The processes of one service that have not ended. Outlives the service if a script does.
using Count = std::shared_ptr<std::atomic<std::uint32_t>>;

/// One request and the script that answers it. Belongs to the connection's thread; lives until the process has ended
/// and all is said.
class ScriptRequest final : public std::enable_shared_from_this<ScriptRequest> {
 public:
  ScriptRequest(std::shared_ptr<HttpExchange> exchange, const settings::Cgi& settings, ScriptRunner& runner,
                Count count)
      : exchange_(std::move(exchange)),
        io_(exchange_->stream()->io()),
        settings_(settings),
        runner_(runner),
        count_(std::move(count)),
        input_(io_.context()),
        output_(io_.context()),
        errors_(io_.context()),
        timer_(io_.context()) {}
  ~ScriptRequest() { --*count_; }
  ScriptRequest(const ScriptRequest&) = delete;
  ScriptRequest& operator=(const ScriptRequest&) = delete;

  void run(ScriptCommand command) {
    script_ = command.arguments.back();
    exchange_->on_abandoned([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->kill();
    });
    timer_.expires_after(std::chrono::seconds(settings_.timeout));
    timer_.async_wait([weak = weak_from_this()](error_code error) {
      const auto self = weak.lock();
      if (!error && self) self->fail(504, fmt::format("it has not ended within {} s", self->settings_.timeout));
    });
    base::IoThread& io = io_;
    runner_.start(
        std::move(command),
        [&io, self = shared_from_this()](ScriptProcess process) mutable {
          io.post([self = std::move(self), process = std::move(process)] { self->on_started(process); });
        },
        [&io, self = shared_from_this()]() mutable { io.post([self = std::move(self)] { self->on_ended(); }); });
  }

 private:
  void on_started(const ScriptProcess& process) {
    if (process.pid < 0) return fail(500, process.problem);
    if (!ended_) pid_ = process.pid;
    input_.assign(process.input);
    output_.assign(process.output);
    errors_.assign(process.error_output);
    if (over_) return kill();
    write_input();
    read_output();
    read_errors();
  }

  void write_input() {
    const std::string& body = exchange_->request().body;
    while (written_ < body.size()) {
      const ssize_t size = ::write(input_.native_handle(), body.data() + written_, body.size() - written_);
      if (size < 0 && errno == EINTR) continue;
      if (size <= 0) break;
      written_ += static_cast<std::size_t>(size);
    }
    if (written_ == body.size() || errno != EAGAIN) return close(input_);  // a script may leave what it does not want
    input_.async_wait(Descriptor::wait_write, [self = shared_from_this()](error_code error) {
      if (!error && self->input_.is_open()) self->write_input();
    });
  }

  void read_output() {
    output_.async_wait(Descriptor::wait_read, [self = shared_from_this()](error_code error) {
      if (!error && self->output_.is_open()) self->take_output();
    });
  }

  void take_output() {
    std::array<char, kPart> part;
    const ssize_t size = ::read(output_.native_handle(), part.data(), part.size());
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return read_output();
    if (size <= 0) return finish();
    total_ += static_cast<std::uint64_t>(size);
    if (total_ > settings_.max_output)
      return fail(500, fmt::format("it writes more than {} bytes", settings_.max_output));
    if (!pass_on({part.data(), static_cast<std::size_t>(size)})) return;
    if (exchange_->queued() < kMaxQueued) return read_output();
    waiting_ = true;
  }

  /// False if that was the end of it.
  bool pass_on(std::string_view part) {
    if (started_) {
      exchange_->write(part);
      return true;
    }
    switch (head_.feed(part)) {
      case CgiHead::State::more:
        return true;
      case CgiHead::State::bad:
        fail(500, "its output does not begin with headers");
        return false;
      case CgiHead::State::done:
        break;
    }
    started_ = true;
    exchange_->start(std::move(head_.response()), std::nullopt);
    exchange_->on_writable([weak = weak_from_this()] {
      const auto self = weak.lock();
      if (self && std::exchange(self->waiting_, false)) self->read_output();
    });
    exchange_->write(head_.rest());
    return true;
  }

  /// The script has closed its output. It may go on for a while, within its time.
  void finish() {
    close(output_);
    if (!started_) return fail(500, "it ended without an answer");
    over_ = true;
    exchange_->finish();
    settle();
  }

  void read_errors() {
    errors_.async_wait(Descriptor::wait_read, [self = shared_from_this()](error_code error) {
      if (!error && self->errors_.is_open()) self->take_errors();
    });
  }

  void take_errors() {
    std::array<char, 4096> part;
    const ssize_t size = ::read(errors_.native_handle(), part.data(), part.size());
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return read_errors();
    if (size <= 0) return close(errors_);
    error_text_.append(part.data(), std::min(static_cast<std::size_t>(size), kMaxErrors - error_text_.size()));
    read_errors();
  }

  void fail(unsigned status, const std::string& problem) {
    if (!std::exchange(over_, true)) {
      log::warn("cgi: {}: {}", script_, problem);
      if (started_) {
        exchange_->break_off("a CGI script broke off");
      } else {
        exchange_->respond(HttpResponse::html(
            status, fmt::format("<!DOCTYPE html>\n<html><head><title>{0} {1}</title></head><body><h1>{0} {1}</h1>"
                                "<p>The script gave no answer.</p></body></html>\n",
                                status, status_text(status))));
      }
    }
    kill();
  }

  /// Ends the process, if it has been started; else when it has.
  void kill() {
    over_ = true;
    close(input_);
    close(output_);
    if (pid_ >= 0) runner_.kill(pid_);
    settle();
  }

  void on_ended() {
    ended_ = true;
    pid_ = -1;
    settle();
  }

  /// Lets go of everything, so that this is destroyed, when the process has ended and the client has its answer.
  void settle() {
    if (!ended_ || !over_) return;
    timer_.cancel();
    close(input_);
    close(output_);
    if (errors_.is_open()) take_errors();
    close(errors_);
    if (error_text_.empty()) return;
    for (char& c : error_text_) c = c == '\n' ? '|' : static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    log::warn("cgi: {} says: {}", script_, std::exchange(error_text_, {}));
  }

  static void close(Descriptor& descriptor) {
    error_code ignored;
    if (descriptor.is_open()) descriptor.close(ignored);
  }

  const std::shared_ptr<HttpExchange> exchange_;
  base::IoThread& io_;
  const settings::Cgi& settings_;
  ScriptRunner& runner_;
  const Count count_;
  Descriptor input_;
  Descriptor output_;
  Descriptor errors_;
  asio::steady_timer timer_;
  std::string script_;
  CgiHead head_;
  std::string error_text_;
  std::size_t written_ = 0;  // of the request's body
  std::uint64_t total_ = 0;  // bytes read
  int pid_ = -1;
  bool started_ = false;  // the client has been sent the head
  bool waiting_ = false;  // for the client to take what is queued
  bool ended_ = false;    // the process
  bool over_ = false;     // nothing more goes to the client
};

/// The scripts of a directory and those below it, each run by the processor.
class CgiService final : public HttpService {
 public:
  CgiService(const settings::Cgi& settings, const ServiceContext& context)
      : settings_(settings), runner_(*context.scripts) {}

  void handle(std::shared_ptr<HttpExchange> exchange, std::string_view rest) const override {
    const HttpRequest& request = exchange->request();
    Stream* stream = exchange->stream();
    if (stream == nullptr) return;
    std::string script;
    const auto path_info = find(rest, script);
    if (!path_info) return exchange->respond(not_found(request));
    if (++*running_ > settings_.max_processes) {
      --*running_;
      HttpResponse busy = HttpResponse::text(503, "too many scripts are running\n");
      busy.set("Retry-After", "1");
      return exchange->respond(std::move(busy));
    }
    const std::string name = request.path.substr(0, request.path.size() - path_info->size());
    TransportInfo info;
    stream->describe(info);
    ScriptCommand command;
    command.program = settings_.processor;
    command.arguments = {script};
    command.directory = fs::path(script).parent_path().string();
    command.environment = cgi_environment(request, {"Crosspoint", info.own_address, info.peer_address, info.secure},
                                          script, name, *path_info);
    std::make_shared<ScriptRequest>(std::move(exchange), settings_, runner_, running_)->run(std::move(command));
  }

 private:
  /// The first component that is a file is the script; the result is what is behind it ("/more" or nothing). Symbolic
  /// links must not lead out of the directory.
  std::optional<std::string> find(std::string_view rest, std::string& script) const {
    if (!is_safe_path(rest)) return std::nullopt;
    fs::path path = settings_.directory;
    std::error_code error;
    while (!rest.empty()) {
      const auto slash = rest.find('/');
      path /= rest.substr(0, slash);
      rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash);
      const fs::file_status status = fs::status(path, error);
      if (fs::is_regular_file(status)) {
        const fs::path real = fs::canonical(path, error);
        if (error || !real.string().starts_with(settings_.directory + "/")) return std::nullopt;
        script = real.string();
        return std::string(rest);
      }
      if (!fs::is_directory(status)) return std::nullopt;
      rest.remove_prefix(std::min(rest.find_first_not_of('/'), rest.size()));
    }
    return std::nullopt;
  }

  settings::Cgi settings_;  // the directory without symbolic links
  ScriptRunner& runner_;
  Count running_ = std::make_shared<std::atomic<std::uint32_t>>(0);
};

}  // namespace

std::unique_ptr<HttpService> make_cgi(const settings::Cgi& settings, const ServiceContext& context) {
  std::error_code error;
  settings::Cgi real = settings;
  real.directory = fs::canonical(settings.directory, error).string();
  if (error || !fs::is_directory(real.directory, error)) {
    context.refuse(fmt::format("cgi: there is no directory {}", settings.directory));
    return nullptr;
  }
  if (::access(settings.processor.c_str(), X_OK) != 0 || fs::is_directory(settings.processor, error)) {
    context.refuse(fmt::format("cgi: {} is not a program", settings.processor));
    return nullptr;
  }
  return std::make_unique<CgiService>(real, context);
}

}  // namespace crosspoint::transports::web
