#pragma once

#include <tsl/robin_map.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/io_thread.hpp"
#include "base/random.hpp"
#include "base/task_thread.hpp"
#include "cluster/channels.hpp"
#include "cluster/held_back.hpp"
#include "cluster/history_reader.hpp"
#include "cluster/history_writer.hpp"
#include "cluster/interests.hpp"
#include "cluster/masters.hpp"
#include "cluster/members.hpp"
#include "cluster/meta_questions.hpp"
#include "cluster/node_message.hpp"
#include "cluster/redis_connection.hpp"
#include "cluster/retained_stream.hpp"
#include "cluster/rpc.hpp"
#include "cluster/shard_channels.hpp"
#include "connection/router.hpp"
#include "realm/cluster_port.hpp"
#include "realm/shared_history.hpp"
#include "redis/dialer.hpp"
#include "settings/cluster.hpp"

namespace crosspoint::cluster {

/// Joins the clustered realms of a router to those of other nodes by way of a Redis server, or of the masters of a
/// Redis Cluster. It has a thread of its own with two connections: one for commands, one that hears what is published.
/// The router's I/O threads only hand things over; while Redis cannot be reached they route as they do without a
/// cluster. Functions are for the thread that builds the router, except where said otherwise.
class Link final : public RedisConnection::User,
                   public Rpc::Wire,
                   public HistoryWire,
                   public Masters::User,
                   public base::TurnEnd {
 public:
  /// `settings.node` must be set.
  Link(const settings::Cluster& settings, connection::Router& router, unsigned thread_index);
  ~Link() override;

  /// What takes in messages of a kind from other nodes, on the link's thread. `from` is the sender, as the address of
  /// an answer; both are valid for the time of the call.
  using Handler = std::function<void(std::string_view from, std::string_view text)>;

  /// Before start(): false, and why in `problem`, if the settings name files that cannot be used.
  bool check(std::string& problem) { return redis_.check(problem); }
  /// Before start().
  void add_realm(realm::Realm& realm);
  /// Likewise, after that: keeps the events of one of its subscriptions, `log`'s, for all nodes.
  void keep_history(realm::Realm& realm, const realm::EventLog& log, std::string_view uri, wamp::Match match,
                    const realm::EventLog::Limits& limits);
  /// Likewise. `kind` is a word.
  void on_message(std::string_view kind, Handler handler);
  /// Likewise. `gone` is called on the link's thread with the address of a node that has ended or cannot be reached any
  /// more.
  void on_gone(std::function<void(std::string_view address)> gone);
  /// Likewise. `settled` is called once, on the link's thread: the node has joined and knows what others have
  /// registered, or the first attempt has failed.
  void on_settled(std::function<void()> settled) { when_settled_ = std::move(settled); }
  /// Any thread: the addresses of the other nodes that are there, and whether Redis can be reached at all.
  std::vector<std::string> others() const;
  bool joined() const { return up_.load(std::memory_order_relaxed); }
  /// Any thread: this node's own address.
  const std::string& address() const { return sender_; }
  /// Any thread: bytes that Redis has not answered yet.
  std::size_t backlog() const { return unanswered_bytes_.load(std::memory_order_relaxed); }
  /// Any thread; does not wait. Sends something to one start of a node, or to all other nodes if `to` is empty; in the
  /// order of the calls. It is lost if Redis or the receiver cannot be reached.
  void send(std::string to, std::string_view kind, std::string_view text);
  void start();
  /// Sends what is waiting, says goodbye and ends the thread. The router's threads must have ended.
  void stop();

  /// Any thread: one line for people.
  std::string describe() const;

 private:
  using Clock = std::chrono::steady_clock;

  /// What the router's threads hand over, in their order.
  struct Publication {
    std::string channel;
    std::string text;
  };
  struct Change {
    std::size_t realm = 0;
    realm::SubscriptionRef subscription;
    bool made = false;
  };
  struct Letter {
    std::string to;  // empty: all
    std::string text;
  };
  /// A publication that is to be retained, by the shard that has it from its session.
  struct Retention {
    std::size_t realm = 0;
    realm::PublicationRef publication;
    unsigned shard = 0;
    std::size_t bytes = 0;
  };
  struct NewClaim {
    std::size_t realm = 0;
    realm::Claim claim;
  };
  struct Release {
    std::uint64_t number = 0;
  };
  struct CatchUp {
    std::size_t realm = 0;
    unsigned shard = 0;
    std::uint64_t number = 0;
  };
  struct ShardPost {
    std::size_t realm = 0;
    realm::ShardMessage message;
  };
  struct Question {
    std::size_t realm = 0;
    unsigned shard = 0;
    realm::NodeQuestion question;
  };
  struct MetaPublication {
    std::size_t realm = 0;
    bool at_once = false;  // whatever the place
    std::uint64_t place = 0;
    Publication publication;  // no text: it is lost
  };
  struct HistoryEvent {
    std::shared_ptr<HistoryWriter::Event> event;
    std::vector<std::size_t> streams;
    std::size_t bytes = 0;
  };
  using Task = std::variant<Publication, Change, Letter, Retention, NewClaim, Release, CatchUp, ShardPost, Question,
                            MetaPublication, HistoryEvent, HistoryReader::Request>;
  /// A realm's end of it.
  class Port final : public realm::ClusterPort, public realm::SharedHistory {
   public:
    Port(Link& link, realm::Realm& realm, std::size_t number)
        : link_(link),
          realm_(realm),
          number_(number),
          retained_channel_(link.channels_.retained(realm.name())),
          retained_key_(retained_channel_),
          retained_(realm.options().retained) {}
    void subscription_made(const realm::SubscriptionRef& subscription) override;
    void subscription_gone(const realm::SubscriptionRef& subscription) override;
    void publish(const wamp::Publish& message, wamp::PublicationId id, const realm::Identity* publisher,
                 wamp::TrustLevel trustlevel) override;
    void retain(const realm::PublicationRef& publication, unsigned shard) override;
    void claim(realm::Claim claim) override;
    void release(std::uint64_t number) override;
    void catch_up(unsigned shard, std::uint64_t number) override;
    void send(realm::ShardMessage message) override;
    bool is_complete() const override { return link_.complete_.load(std::memory_order_relaxed); }
    std::size_t backlog() const override { return link_.backlog(); }
    void publish(const realm::MetaEvent& event) override;
    const std::string& node() const override { return link_.settings_.node; }
    bool has_others() const override { return link_.has_others_.load(std::memory_order_relaxed); }
    void ask(unsigned shard, realm::NodeQuestion question) override;
    void answer(const realm::NodeQuestion& question, const realm::NodeAnswer& answer) override;
    void add(realm::SharedHistory::Event event) override;
    bool read(const realm::SessionKey& caller, wamp::RequestId request, realm::HistoryReading reading) override;
    bool flush(const realm::SessionKey& caller, wamp::RequestId request, const realm::EventLog& log) override;

   private:
    friend class Link;
    bool ask(const realm::SessionKey& caller, wamp::RequestId request, std::shared_ptr<realm::HistoryReading> reading,
             std::vector<HistoryStream> streams);
    Link& link_;
    realm::Realm& realm_;
    const std::size_t number_;
    const std::string retained_channel_;
    std::map<const realm::EventLog*, std::size_t> histories_;  // streams of history_; constant after start()
    // Of the link's thread:
    std::string retained_key_;
    std::vector<std::size_t> of_bucket_;                     // in a Redis Cluster: the master of each
    std::size_t patterns_ = 0;                               // likewise: that want the channels of patterns
    std::vector<std::vector<realm::ShardMessage>> batches_;  // for the shards, of this turn
    RetainedStream retained_;
    std::vector<RetainedStream::Missing> to_offer_;  // the next one last
    std::map<std::uint64_t, Publication> early_;     // meta events that wait for earlier ones
    std::uint64_t last_meta_event_ = 0;              // of the last that did not
  };

  /// Both connections, or what is in the way.
  struct Dialed {
    std::unique_ptr<redis::ByteStream> commands;
    std::unique_ptr<redis::ByteStream> events;
    redis::SlotMap map;                     // of a Redis Cluster
    std::vector<Masters::Streams> masters;  // likewise, but for the one with these connections
    std::string place;
    std::string problem;
  };

  // Any thread.
  void hand_over(Task task);
  /// Bytes that a publication holds on to until Redis has answered.
  static std::size_t size_of(std::string_view channel, std::string_view text) {
    constexpr std::size_t kFixed = 128;
    return kFixed + channel.size() + text.size();
  }

  // The link's thread, as all that follows.
  void take_tasks();
  void take(const Publication& publication);
  void take(const Change& change);
  void take(const Letter& letter);
  void take(const Retention& retention);
  void take(const Question& asked);
  void take(const MetaPublication& event);
  void take(const HistoryEvent& what);
  void take(HistoryReader::Request& request);
  std::string_view publish_command() const { return masters_ ? "SPUBLISH" : "PUBLISH"; }
  Interests::Name name_of(const Port& port, const realm::Subscription& subscription) const;
  void ask_for(const Interests::Name& name);
  void command(std::initializer_list<std::string_view> words, std::size_t publication_bytes = 0,
               OnAnswer on_answer = nullptr) {
    command(std::span(words.begin(), words.size()), publication_bytes, std::move(on_answer));
  }
  void command(std::span<const std::string_view> words, std::size_t publication_bytes = 0,
               OnAnswer on_answer = nullptr);
  void take(NewClaim& claim);
  void take(const Release& release);
  void take(const CatchUp& what) { rpc_.catch_up(what.realm, what.shard, what.number); }
  void take(ShardPost& post);
  // Rpc::Wire
  void announce(std::string_view kind, std::string_view text, std::uint64_t claim) override;
  void send_to(const std::string& address, std::string_view kind, std::string_view text) override;
  void deliver(std::size_t realm, unsigned shard, realm::ShardMessage message) override;
  void ask_for_registrations();
  void on_undelivered(const std::string& address);
  bool on_rpc(std::string_view from, std::string_view kind, std::string_view text, std::uint64_t order);
  void watch_streams();
  // HistoryWire
  void run(std::span<const std::string_view> words, std::size_t bytes, OnAnswer on_answer) override;

  void dial();
  void on_dialed(Dialed& dialed);
  void begin(Dialed& dialed);
  void try_again();
  void on_reply(RedisConnection& connection, const redisReply& reply) override;
  void on_lost(RedisConnection& connection, std::string_view why) override;
  void lose(std::string_view why);

  // link_shards.cpp: a Redis Cluster
  static constexpr std::string_view kSubscribe = "SSUBSCRIBE";
  static constexpr std::string_view kUnsubscribe = "SUNSUBSCRIBE";
  static bool sends_elsewhere(std::string_view error);
  void collect_slots();
  void dial_masters(Dialed& dialed);  // on dialer_
  void begin_shards(Dialed& dialed);
  void publish_to_shard(const std::string& channel, const std::string& text, std::size_t bytes);
  void send_to_shard(std::size_t master, std::string_view channel, std::string_view text, std::size_t bytes = 0);
  void command_at(std::size_t master, std::span<const std::string_view> words, std::size_t bytes, OnAnswer on_answer);
  void listen_at(std::size_t master, std::string_view what, const std::string& channel);
  void each_shard(const Port& port, bool all, const std::function<void(std::size_t, unsigned)>& visit) const;
  void ask_shards(const Interests::Name& name);
  void leave_shards(const Interests::Name& name);
  void on_master_answer(std::size_t bytes, const OnAnswer& on_answer, const redisReply& reply) override;
  void on_master_event(std::size_t master, const redisReply& reply) override;
  void on_master_lost(std::string_view why) override { lose(why); }
  void on_shard_message(std::string_view channel, std::string_view text);
  OnAnswer retained_to_shard(Port& port, const realm::Publication& publication, std::uint64_t place, std::string text,
                             OnAnswer then);
  void look_at_slots();

  void on_answer(const redisReply& reply);
  bool on_answered(std::size_t bytes, const redisReply& reply);
  void on_event(const redisReply& reply);
  void on_listening_refused(std::size_t connection, std::string_view error);
  void on_confirmed(std::size_t connection = 0);
  void join();
  /// How an event came: for the subscriptions of its topic, of a pattern of Redis, or of all patterns.
  enum class Heard { by_topic, by_pattern, by_patterns };
  void on_published(std::string_view pattern, std::string_view channel, std::string_view text);
  void on_published(Port& port, Heard how, std::string_view pattern, std::string_view topic, std::string_view channel,
                    std::string_view text);
  bool on_home_message(std::string_view channel, std::string_view text);
  void on_word(std::string_view text);
  void on_letter(std::string_view channel, std::string_view text);
  void make_ready(const Interests::Waiters& waiters);
  void deliver(Port& port, unsigned shard, realm::ShardMessage message);

  // What the nodes retain, in link_retained.cpp.
  void claim();
  Port* port_of(std::string_view realm) const;
  Port* port_of_retained(std::string_view channel) const;
  void load_retained();
  void load_retained(Port& port, const EntryId& from);
  void on_retained_page(Port& port, const redisReply& reply);
  void end_load(Port& port);
  void offer(Port& port);
  void put(Port& port, const realm::PublicationRef& publication, std::uint64_t place, std::size_t bytes,
           OnAnswer on_answer);
  void on_retained(Port& port, std::string_view channel, std::string_view message);
  bool on_own_retained(Port& port, const EntryId& entry, std::uint64_t place, std::string_view text);
  std::string_view read_retained_event(Port& port, const EntryId& entry, std::uint64_t place, std::string_view topic,
                                       std::string_view text, std::shared_ptr<realm::Publication>& out);
  static void note_place(const Port& port, std::uint64_t place);
  void tell(Port& port, const RetainedStream::News& news);
  void remove_surplus(Port& port);

  void pause_if_flooded();
  bool flooded();
  void look_again();
  void complain(std::string_view channel, std::string_view problem) override;

  // link_meta.cpp
  void add_meta_handlers();
  void on_question(std::string_view from, std::string_view text);
  void give_answers();
  void set_expiry();

  void beat();
  void announce(Members::Word word);
  void say(Members::Word word);
  void look_for_silence();
  void look_for_master();
  void finish();
  void settle();
  void describe_state();
  void lose_node(std::string_view id, std::string_view start);
  void on_turn_end() override;
  void need_turn_end();

  const settings::Cluster settings_;
  const std::string start_;   // a random number of this start, in text
  const std::string sender_;  // the node's id and start_
  redis::Dialer redis_;       // of dialer_'s thread
  std::string place_;         // of Redis, for the log
  Channels channels_;
  const ShardChannels shard_channels_;
  const std::chrono::seconds heartbeat_;
  connection::Router& router_;
  std::vector<std::unique_ptr<Port>> ports_;                      // constant after start()
  std::vector<std::uint16_t> slots_;                              // likewise; of a Redis Cluster, the home slot first
  std::map<std::string, Handler, std::less<>> handlers_;          // likewise, by kind
  std::vector<std::function<void(std::string_view)>> when_gone_;  // likewise
  std::function<void()> when_settled_;                            // none any more once it has been called

  std::atomic<bool> up_{false};          // there are connections
  std::atomic<bool> complete_{false};    // all that others have registered is known
  std::atomic<bool> has_others_{false};  // other nodes are there
  std::atomic<std::size_t> unanswered_bytes_{0};
  std::atomic<std::uint64_t> kept_back_{0};  // publications while there were none
  std::mutex mutex_;
  std::vector<Task> tasks_;  // guarded by mutex_

  mutable std::mutex state_mutex_;
  std::string state_;                // guarded by state_mutex_
  std::vector<std::string> others_;  // likewise

  base::Random random_;
  Interests interests_;
  Members members_;
  Rpc rpc_;
  MetaQuestions questions_;
  HistoryWriter history_;
  HistoryReader history_reader_;
  bool expiry_set_ = false;  // a timer for the oldest of them is under way
  struct Unanswered {
    std::size_t bytes = 0;  // of a publication, 0 for others
    OnAnswer on_answer;
  };
  std::deque<Unanswered> unanswered_;  // commands
  std::chrono::milliseconds back_off_{0};
  std::string last_problem_;
  bool joined_ = false;           // Redis has confirmed all that was asked at the beginning of this connection
  bool loading_ = false;          // all that has been confirmed
  std::size_t to_load_ = 0;       // realms whose retained events are read then
  Interests::Waiters held_;       // those that wait for both
  std::uint64_t connection_ = 0;  // its number
  int silent_beats_ = 0;
  bool heard_commands_ = false;
  bool heard_events_ = false;
  bool refused_ = false;  // a command of this connection was refused, and that is in the log
  bool looking_for_master_ = false;
  bool finishing_ = false;
  bool started_ = false;
  bool turn_end_asked_ = false;
  bool watching_streams_ = false;
  bool asked_what_is_here_ = false;  // by another node, in this turn
  Clock::time_point next_complaint_;
  std::vector<realm::SubscriptionRef> matches_;

  base::IoThread io_;
  std::unique_ptr<RedisConnection> commands_;
  std::unique_ptr<RedisConnection> events_;
  std::unique_ptr<Masters> masters_;        // of a Redis Cluster
  std::vector<std::size_t> unsubscribing_;  // at each of them, what it has not confirmed
  HeldBack held_back_;
  std::unique_ptr<base::TaskThread> dialer_;
};

}  // namespace crosspoint::cluster
