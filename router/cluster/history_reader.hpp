#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "cluster/history_writer.hpp"
#include "cluster/stream_entry.hpp"
#include "realm/shared_history.hpp"

namespace crosspoint::cluster {

/// Answers calls for event history with what is in the streams, and has streams emptied. Some calls are served at a
/// time, one of each session, and each reads page by page, so that neither Redis nor the node has to hold much. No I/O:
/// belongs to the link's thread.
class HistoryReader {
 public:
  static constexpr std::size_t kAtOnce = 4;
  static constexpr std::size_t kMostWaiting = 1024;
  static constexpr std::size_t kMostOfSession = 64;
  /// What a page is to have, as far as the one before it tells.
  static constexpr std::size_t kPageBytes = 1024 * 1024;
  static constexpr std::size_t kFirstPage = 10;
  static constexpr std::size_t kLongestPage = 1000;

  explicit HistoryReader(HistoryWire& wire) : wire_(wire) {}

  struct Request {
    std::size_t realm = 0;
    wamp::UriCheck uri_check{};
    realm::SessionKey caller;
    wamp::RequestId request = 0;
    std::shared_ptr<realm::HistoryReading> reading;  ///< none: the first stream is to be emptied
    std::vector<HistoryStream> streams;              ///< those of the reading's logs, in their order
  };
  void ask(Request request);
  void connected() { connected_ = true; }
  void disconnected();

 private:
  struct Running {
    Request request;
    std::size_t log = 0;      // of request.streams: what is read now
    std::size_t entries = 0;  // read of it
    EntryId next;             // where the next page begins
    bool begun = false;
    std::size_t count = kFirstPage;  // of the next page
  };
  using Place = std::list<Running>::iterator;

  void start();
  void serve(Place at);
  void read_page(Place at);
  void on_page(Place at, const redisReply& reply);
  void flush(Place at);
  bool take_entries(Running& running, const redisReply& reply);
  void answer(const Request& request, std::string problem);
  void finish(Place at, realm::HistoryAnswer answer);

  HistoryWire& wire_;
  bool connected_ = false;
  std::deque<Request> waiting_;
  std::list<Running> running_;
};

/// What an entry of a stream has; what is missing in one that another program has added is made up for. Returns what is
/// wrong with it, or nothing.
std::string_view read_history_entry(const EntryId& id, const redisReply& fields, wamp::UriCheck check,
                                    realm::LoggedEvent& out);

}  // namespace crosspoint::cluster
