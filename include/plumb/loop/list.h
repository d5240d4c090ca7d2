// SPDX-License-Identifier: Apache-2.0
// Intrusive list: members link themselves, so that joining, leaving and cancelling cost a few
// stores and never memory. A runtime that must work when memory and descriptors have run out
// cannot allocate a node in order to wait.
//
// A node leaves its list when it dies. Threads: none; a list belongs to one loop.
#pragma once

namespace plumb::runtime {

class ListNode {
 public:
  ListNode() noexcept = default;
  ListNode(const ListNode&) = delete;
  ListNode& operator=(const ListNode&) = delete;

  bool linked() const noexcept { return next_ != this; }
  void unlink() noexcept {
    next_->previous_ = previous_;
    previous_->next_ = next_;
    next_ = previous_ = this;
  }

 protected:
  ~ListNode() { unlink(); }

 private:
  template <typename T>
  friend class List;
  ListNode* next_ = this;
  ListNode* previous_ = this;
};

// A list of T, which derives from ListNode. Owns none of them.
template <typename T>
class List {
 public:
  bool empty() const noexcept { return !head_.linked(); }
  T& front() noexcept { return static_cast<T&>(*head_.next_); }

  // Appends; a node that stands in another list leaves that one first.
  void push_back(T& node) noexcept {
    ListNode& link = node;
    link.unlink();
    link.next_ = &head_;
    link.previous_ = head_.previous_;
    head_.previous_->next_ = &link;
    head_.previous_ = &link;
  }
  T& pop_front() noexcept {
    T& node = front();
    static_cast<ListNode&>(node).unlink();
    return node;
  }
  // Moves all nodes of `other` to the end of this list.
  void take_all(List& other) noexcept {
    if (other.empty()) return;
    ListNode* first = other.head_.next_;
    ListNode* last = other.head_.previous_;
    other.head_.next_ = other.head_.previous_ = &other.head_;
    first->previous_ = head_.previous_;
    head_.previous_->next_ = first;
    last->next_ = &head_;
    head_.previous_ = last;
  }
  // Calls visit(T&) for each node from the front; visit may unlink the node that it is given.
  template <typename Visit>
  void for_each(Visit visit) {
    for (ListNode* node = head_.next_; node != &head_;) {
      ListNode* next = node->next_;
      visit(static_cast<T&>(*node));
      node = next;
    }
  }

 private:
  struct Head : ListNode {};
  Head head_;
};

}  // namespace plumb::runtime
