#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace crosspoint::guests {

/// Tells of changes in directories and all below them. Belongs to the thread of its io_context.
class DirectoryWatch {
 public:
  /// `changed` is given the path of something that was written, made, moved or deleted.
  DirectoryWatch(boost::asio::io_context& context, std::function<void(const std::string& path)> changed);

  /// False, with the reason in `problem`, if the directory cannot be watched.
  bool add(const std::string& directory, std::string& problem);

 private:
  void wait();
  void read();

  boost::asio::posix::stream_descriptor descriptor_;
  std::function<void(const std::string& path)> changed_;
  std::map<int, std::string> directories_;  // by watch descriptor
};

}  // namespace crosspoint::guests
