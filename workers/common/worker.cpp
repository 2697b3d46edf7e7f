#include "common/worker.hpp"

#include <autobahn/wamp_websocketpp_websocket_transport.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <unordered_map>
#include <websocketpp/client.hpp>
#include <websocketpp/config/asio_no_tls_client.hpp>

namespace workshop {
namespace {

using Client = websocketpp::client<websocketpp::config::asio_client>;
using Transport = autobahn::wamp_websocketpp_websocket_transport<websocketpp::config::asio_client>;

constexpr int kWelcome = 2, kAbort = 3, kError = 8, kPublish = 16, kPublished = 17, kEvent = 36;

// More than this many jobs waiting means that something is badly wrong beside us.
constexpr std::size_t kMostJobs = 5000;
// A router that is there answers a good deal sooner.
constexpr std::chrono::seconds kTimeToJoin{15};

using Details = std::unordered_map<std::string, msgpack::object>;

std::string text_in(const Details& map, const char* key) {
  const auto found = map.find(key);
  return found != map.end() && found->second.type == msgpack::type::STR ? found->second.as<std::string>()
                                                                        : std::string();
}

std::uint64_t id_in(const Details& map, const char* key) {
  const auto found = map.find(key);
  return found != map.end() && found->second.type == msgpack::type::POSITIVE_INTEGER ? found->second.via.u64 : 0;
}

/// Answers WAMP-CRA challenges with the secret.
class SigningSession final : public WampSession {
 public:
  SigningSession(boost::asio::io_service& service, std::string secret)
      : WampSession(service), secret_(std::move(secret)) {}

  boost::future<autobahn::wamp_authenticate> on_challenge(const autobahn::wamp_challenge& challenge) override {
    terminal_log("Answering the router's challenge");
    std::string key = secret_;
    if (challenge.iterations() > 0) {
      key = derive_key(secret_, challenge.salt(), challenge.iterations(), challenge.keylen());
    }
    return boost::make_ready_future(autobahn::wamp_authenticate(compute_wcs(key, challenge.challenge())));
  }

 private:
  std::string secret_;
};

/// Has the router acknowledge the PUBLISH that somebody waits for. Autobahn|Cpp has no such option.
class AskingTransport final : public Transport {
 public:
  AskingTransport(Client& client, const std::string& url, WampSession& session)
      : Transport(client, url), session_(session) {}

  void send_message(autobahn::wamp_message&& message) override {
    if (message.field<int>(0) == kPublish && session_.unanswered.answer && session_.unanswered.request == 0) {
      session_.unanswered.request = message.field<std::uint64_t>(1);
      message.set_field(2, std::map<std::string, bool>{{"acknowledge", true}});
    }
    Transport::send_message(std::move(message));
  }

 private:
  WampSession& session_;
};

/// Stands between the transport and the session and reads what the session does not tell: the details of WELCOME
/// and of events, why the router refused us, and what it says about a PUBLISH.
class MessageTap final : public autobahn::wamp_transport_handler {
 public:
  explicit MessageTap(std::shared_ptr<WampSession> session) : member_(session), session_(std::move(session)) {}

  void on_attach(const std::shared_ptr<autobahn::wamp_transport>& transport) override {
    session_->on_attach(transport);
  }
  void on_detach(bool was_clean, const std::string& reason) override { session_->on_detach(was_clean, reason); }
  void on_message(autobahn::wamp_message&& message) override {
    const int type = message.field<int>(0);
    if (type == kWelcome) {
      const auto details = message.field<Details>(2);
      welcome = {message.field<std::uint64_t>(1), text_in(details, "authid"), text_in(details, "authrole")};
    } else if (type == kAbort) {
      refusal = message.field<std::string>(2) + " " + text_in(message.field<Details>(1), "message");
    } else if (type == kEvent && message.size() > 3) {
      const auto details = message.field<Details>(3);
      member_->event_details = {id_in(details, "publisher"), text_in(details, "publisher_authid"),
                                text_in(details, "publisher_authrole"), text_in(details, "topic")};
    } else if (type == kPublished) {
      return published(message.field<std::uint64_t>(1), "");
    } else if (type == kError && message.field<int>(1) == kPublish) {
      return published(message.field<std::uint64_t>(2), message.field<std::string>(4));  // Autobahn would end us
    }
    session_->on_message(std::move(message));
  }

  Welcome welcome;
  std::string refusal;

 private:
  void published(std::uint64_t request, const std::string& error) {
    auto& [waiting, answer] = member_->unanswered;
    if (!answer || waiting != request) return;
    if (error.empty()) {
      answer->set_value();
    } else {
      answer->set_exception(std::make_exception_ptr(std::runtime_error(error)));
    }
    answer = nullptr;
  }

  std::shared_ptr<WampSession> member_;
  std::shared_ptr<autobahn::wamp_transport_handler> session_;  // the same, with the functions that it keeps private
};

}  // namespace

WampSession::WampSession(boost::asio::io_service& service)
    : autobahn::wamp_session(service), io(service), procedures(4, kMostJobs) {}

Background& WampSession::queue(const std::string& name) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return queues_.try_emplace(name, 1, kMostJobs).first->second;
}

void WampSession::stop_jobs() {
  procedures.stop();
  const std::lock_guard<std::mutex> lock(mutex_);
  for (auto& [name, queue] : queues_) queue.stop();
}

class Worker::Impl {
 public:
  explicit Impl(Login login) : login_(std::move(login)), signals_(io_, SIGINT, SIGTERM), deadline_(io_) {
    client_.clear_access_channels(websocketpp::log::alevel::all);
    client_.clear_error_channels(websocketpp::log::elevel::all);
    client_.init_asio(&io_);
  }

  int run() {
    session_ = std::make_shared<SigningSession>(io_, login_.secret);
    tap_ = std::make_shared<MessageTap>(session_);
    transport_ = std::make_shared<AskingTransport>(client_, login_.url, *session_);
    // The transport sets this handler for itself in its constructor; ours comes in its place.
    client_.set_close_handler([this](websocketpp::connection_hdl) { end("The connection was closed"); });
    transport_->attach(tap_);
    signals_.async_wait([this](const boost::system::error_code& error, int) {
      if (!error) stop_by_signal();
    });
    deadline_.expires_after(kTimeToJoin);
    deadline_.async_wait([this](const boost::system::error_code& stopped) {
      if (!stopped) end("The router at " + login_.url + " does not answer");
    });
    when_ready(transport_->connect(), [this](boost::future<void> connected) { on_connected(std::move(connected)); });
    try {
      io_.run();
    } catch (const std::exception& error) {
      terminal_log(std::string("Ending: ") + error.what());
      exit_code_ = 1;
    }
    session_->stop_jobs();
    return exit_code_;
  }

  OpenHandler open_handler;

 private:
  void on_connected(boost::future<void> connected) {
    try {
      connected.get();
    } catch (const std::exception&) {
      return end("No connection to " + login_.url);
    }
    // Autobahn's functions take its futures' lock, which we are under here.
    io_.post([this] {
      when_ready(session_->start(), [this](boost::future<void> started) {
        started.get();
        io_.post([this] { join(); });
      });
    });
  }

  void join() {
    when_ready(session_->join(login_.realm, {"wampcra"}, login_.user), [this](boost::future<std::uint64_t> joined) {
      try {
        joined.get();
      } catch (const std::exception& error) {
        return end("Refused: " + (tap_->refusal.empty() ? std::string(error.what()) : tap_->refusal));
      }
      deadline_.cancel();
      io_.post([this] {
        if (open_handler) open_handler(session_, tap_->welcome);
      });
    });
  }

  void stop_by_signal() {
    exit_code_ = 0;
    io_.stop();
  }

  void end(const std::string& why) {
    terminal_log(why);
    exit_code_ = 1;
    io_.stop();
  }

  Login login_;
  boost::asio::io_service io_;
  boost::asio::signal_set signals_;
  boost::asio::steady_timer deadline_;
  Client client_;
  std::shared_ptr<SigningSession> session_;
  std::shared_ptr<MessageTap> tap_;
  std::shared_ptr<Transport> transport_;
  int exit_code_ = 1;
};

Worker::Worker(Login login) : impl_(std::make_unique<Impl>(std::move(login))) {}
Worker::~Worker() = default;

void Worker::on_open(OpenHandler handler) { impl_->open_handler = std::move(handler); }

int Worker::run() { return impl_->run(); }

}  // namespace workshop
