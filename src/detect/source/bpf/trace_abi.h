/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the tracing programs and their reader in user space agree on: maps' keys and values, and the
 * records of the ring buffer. Fixed width, explicit padding, sizes asserted on both sides. Times
 * are CLOCK_BOOTTIME in nanoseconds. */
#ifndef PLUMB_TRACE_ABI_H
#define PLUMB_TRACE_ABI_H

#include <linux/types.h>

#ifdef __cplusplus
#define PLUMB_ABI_ASSERT static_assert
namespace plumb::detect::abi {
#else
#define PLUMB_ABI_ASSERT _Static_assert
#endif

enum {
  kTraceFrames = 128, /* frames that the kernel side follows; the rest of a stack is cut */
  kTracePythonFrames = 128,
  kTraceV8Frames = 64,      /* JavaScript functions of one stack */
  kTraceCopyBytes = 16384,  /* user stack copied where a rule is missing */
  kTraceCopyAside = 8192,   /* of it of a signal's stack, where that is another one */
  kTraceRing = 16 << 20,    /* of events; copies may fill half of it, stacks seven eighths */
  kTraceOrigins = 1 << 17,  /* rows of the counters, and so of distinct stacks */
  kTraceFirstOrigin = 16,   /* lower numbers are the special ones below */
  kTraceProcesses = 32768,  /* targets at a time */
  kTraceRules = 1 << 18,    /* unwind rules at a time: one a distinct return address */
  kTraceSuspects = 256,     /* origins of which something was used or closed after its close */
  kTraceOwnEvents = 8,      /* told of each: closes by the thread that has opened it */
  kTraceSuspectEvents = 64, /* by others, and of those that fail */
  kTraceControlFds = 16,    /* descriptors taken from one message's control data */
  kTraceRefusers = 1024,    /* processes and ports that turn clients away, at a time */
};

/* plumb::detect::Kind, which the reader in user space asserts to be the same. */
enum trace_kind {
  kKindUnknown,
  kKindUnreadable,
  kKindFile,
  kKindDirectory,
  kKindSymlink,
  kKindCharacterDevice,
  kKindBlockDevice,
  kKindFifo,
  kKindPipe,
  kKindPty,
  kKindUnix,
  kKindTcp,
  kKindUdp,
  kKindRaw,
  kKindNetlink,
  kKindPacket,
  kKindVsock,
  kKindSocket,
  kKindEventfd,
  kKindEpoll,
  kKindTimerfd,
  kKindSignalfd,
  kKindInotify,
  kKindFanotify,
  kKindMemfd,
  kKindPidfd,
  kKindIoUring,
  kKindBpf,
  kKindPerfEvent,
  kKindUserfaultfd,
  kKindMqueue,
  kKindDmabuf,
  kKindNamespace,
  kKindSeccomp,
  kKindLandlock,
  kKindMountContext,
  kKindMapping = 64, /* from here on resources that are no descriptors */
  kKindHeap = 65,
  kKindThread = 66,
  kKindChild = 67,
  kKindPair = 128,  /* the first of the pairs of functions that a user names */
  kKindProbe = 192, /* the first of the kinds that programs tell of by USDT */
};

/* Origins that are no stack. */
enum trace_origin_id {
  kTraceBornBefore = 0, /* open when the trace began */
  kTraceFound = 1,      /* found by a survey: no hook saw it come */
  kTraceStackLost = 2,  /* a hook saw it come, and its stack found no room */
  kTraceNoStack = 3,    /* came where there is no user stack: an io_uring worker */
};

/* Which descriptor: the table's number is given out once and never reused. */
struct trace_holding_key {
  __u32 table;
  __s32 fd;
};

enum trace_holding_flags {
  kTraceListener = 1,  /* listen(2) succeeded on it, or it listened when it was found */
  kTraceInherited = 2, /* copied from the parent's table at fork; created counts it once, there */
};

struct trace_holding {
  __u64 file; /* address of the struct file */
  __u64 born;
  __u32 origin;
  __u32 seen; /* number of the last survey that saw it */
  __s32 tid;  /* thread that acquired it; 0 where no hook saw it */
  __u16 call; /* number of the system call that acquired it; 0xffff: none that a hook saw */
  __u8 kind;  /* plumb::detect::Kind */
  __u8 flags;
};
PLUMB_ABI_ASSERT(sizeof(struct trace_holding) == 32, "trace_holding");

/* A resource that is no descriptor, by the process that holds it (its table's number, which is new
 * at each exec) and by what its kind calls it: an address, a number. */
struct trace_resource_key {
  __u64 identity;
  __u32 table;
  __u32 kind; /* plumb::detect::Kind */
};
PLUMB_ABI_ASSERT(sizeof(struct trace_resource_key) == 16, "trace_resource_key");

struct trace_resource {
  __u64 born;
  __u64 bytes; /* 0 for kinds that have no size */
  __u32 origin;
  __s32 tid;
  __u32 weight; /* how many it stands for: 1, or more where only some are looked at */
  __u16 call;   /* as in trace_holding */
  __u16 ended;  /* a child that has ended and was not waited for */
};
PLUMB_ABI_ASSERT(sizeof(struct trace_resource) == 32, "trace_resource");

/* Counters of one origin, by its number. closed counts only what created has counted. */
struct trace_count {
  __u64 created;
  __u64 closed;
  __u64 created_bytes;
  __u64 closed_bytes;
};

/* A traced process, by thread group. */
struct trace_target {
  __u64 files; /* address of its files_struct */
  __u64 start; /* its start time, with its number the process's identity */
  __u32 table;
  __u32 space; /* address space: a number per exec, kept over fork */
};

/* Who ends connections of which local port without having read from them. */
struct trace_refuser {
  __s32 pid;
  __u32 port;
};

/* A descriptor table, by number; stays until user space has read out its holdings. */
struct trace_table {
  __u64 files;
  __u32 parent; /* table that it was copied from; 0: none */
  __s32 pid;
  __u32 moved; /* an exec made it of its parent, which ended: what is in both was carried over */
  __u32 pad;
};

/* What a probe on a function of a pair is to do, in the 64 bits that the kernel keeps for it. */
enum trace_pair_form {
  kPairReturned = 0,  /* the identity is what the function returns, unless 0 */
  kPairArgument = 1,  /* an argument, when it is called */
  kPairIfZero = 2,    /* an argument, when it returns 0 */
  kPairPointedTo = 3, /* the word at an argument: when it returns; of a release when it is called */
};
#define PLUMB_PAIR_KIND(cookie) ((cookie)&0xff)
#define PLUMB_PAIR_FORM(cookie) (((cookie) >> 8) & 3)
#define PLUMB_PAIR_ARGUMENT(cookie) (((cookie) >> 10) & 7) /* from 1 */
#define PLUMB_PAIR_RELEASES(cookie) (((cookie) >> 13) & 1)
#define PLUMB_PAIR_OFFSET(cookie) ((((cookie) >> 14) & 0x3ff) * 8) /* of the word */
/* Of a probe on an allocation function; arguments from 1, 0 for none. */
#define PLUMB_HEAP_SIZE(cookie) (((cookie) >> 8) & 7)
#define PLUMB_HEAP_TIMES(cookie) (((cookie) >> 11) & 7) /* another factor of the size */
#define PLUMB_HEAP_OLD(cookie) (((cookie) >> 14) & 7)   /* the block that it frees */
#define PLUMB_HEAP_INTO(cookie) (((cookie) >> 17) & 1)  /* the block goes to *(first argument) */
/* The code of the function's own file, in pages before and from its page on. Calls from there are
 * the library's own affair. Both 0: every call counts. */
#define PLUMB_PAIR_BEFORE(cookie) (((cookie) >> 24) & 0xfffff)
#define PLUMB_PAIR_AFTER(cookie) (((cookie) >> 44) & 0xfffff)

enum {
  kTracePairs = 64,       /* kinds of pairs, and of probes */
  kTraceProbeName = 16,   /* of a probe's kind, with its end; longer ones are cut */
  kTracePendingCalls = 8, /* of watched functions within each other, a thread */
};

/* How to get from one frame to its caller, for one return address in one address space. */
enum trace_rule_kind {
  kTraceRuleStack = 1,  /* CFA = sp + offset */
  kTraceRuleFrame = 2,  /* CFA = bp + offset */
  kTraceRuleDeref = 3,  /* CFA = *(bp + offset): a realigned stack; caller's bp at bp + bp_offset */
  kTraceRuleSignal = 4, /* a signal frame: registers are in the ucontext at sp */
  kTraceRuleEnd = 5,    /* outermost: nobody called it */
  kTraceRuleCut = 6,    /* not to be followed in the kernel */
};

struct trace_rule {
  __s32 cfa_offset;
  __s16 bp_offset; /* where the caller's bp was saved, from the CFA; 0: it still is in bp */
  __u8 kind;
  __u8 bare; /* no table knows this code: V8's is such */
};
PLUMB_ABI_ASSERT(sizeof(struct trace_rule) == 8, "trace_rule");

/* Address in the low 48 bits, address space in the high 16. */
#define PLUMB_RULE_KEY(space, pc) (((__u64)(space) << 48) | ((__u64)(pc)&0xffffffffffffULL))

/* Where the interpreter of an address space keeps its threads, and offsets into its structures
 * (plumb::detect::PythonLayout). The parts of a frame lie within its first 72 bytes. */
struct trace_python {
  __u64 interpreters; /* address of the list's head */
  __u32 interpreter_next;
  __u32 interpreter_threads_head;
  __u32 thread_next;
  __u32 thread_native_id;
  __u32 thread_cframe;
  __u32 cframe_current_frame;
  __u32 frame_code;
  __u32 frame_previous;
  __u32 frame_prev_instr;
  __u32 frame_is_entry;
};
PLUMB_ABI_ASSERT(sizeof(struct trace_python) == 48, "trace_python");

struct trace_python_frame {
  __u64 code;        /* PyCodeObject */
  __u64 instruction; /* prev_instr, which is even; bit 0: the frame began a run of the C loop */
};

/* Where V8 keeps the function of a frame, and what tells functions apart
 * (plumb::detect::V8FrameLayout). */
struct trace_v8 {
  __s32 frame_function;
  __s32 frame_context;
  __u32 function_shared;
  __u32 shared_script;
  __u32 shared_shape;
  __u32 shared_identity;
  __u32 object_map;
  __u32 map_type;
  __u16 shared_type;
  __u16 pad[3];
};
PLUMB_ABI_ASSERT(sizeof(struct trace_v8) == 40, "trace_v8");

struct trace_v8_frame {
  __u64 shared; /* SharedFunctionInfo */
  __u64 script; /* Script */
  __u64 shape;  /* above, and in the low 16 bits the frame's index; 0xffff: found by `pointer` */
  __u32 identity;
  __u32 pointer; /* the frame pointer, from registers.sp */
};

struct trace_registers {
  __u64 ip, sp, bp, bx, r12, r13, r14, r15;
};

enum trace_event_type {
  kTraceEventStack = 1,    /* a new origin */
  kTraceEventFork = 2,     /* a target's child became a target */
  kTraceEventExec = 3,     /* a target runs another program now */
  kTraceEventExit = 4,     /* a target ended */
  kTraceEventUnshare = 5,  /* a thread left its group's table */
  kTraceEventListener = 6, /* listen(2) succeeded */
  kTraceEventClosed = 7,   /* a listener was closed; or any holding, where that was asked for */
  kTraceEventCode = 8,     /* a target mapped new code: rules of its space may be stale */
};

struct trace_event {
  __u32 type;
  __s32 pid;
  __s32 tid;
  __u32 space;
  __u64 time;
};

/* The walk went over `frames` addresses. Where it ended for want of a rule, `copied` bytes of stack
 * from registers.sp on follow, and registers are those of the frame that could not be left (with
 * frames > 1 only ip, sp and bp are known). */
struct trace_stack {
  struct trace_event head;
  __u32 origin;
  __u16 call;
  __u8 kind;
  __u8 cut; /* ended at kTraceFrames or at a rule of kind Cut */
  __u32 frames;
  __u32 copied;
  struct trace_registers registers;
  __u64 aside; /* sp of what a signal interrupted on another stack; 0: nothing, or not known */
  __u64 addresses[kTraceFrames];
  __u32 python_frames;
  __u32 aside_copied; /* bytes from there on, behind the first kTraceCopyAside */
  __u32 v8_frames;    /* where it has no Python frames */
  __u32 pad;
  union {
    struct trace_python_frame python[kTracePythonFrames];
    struct trace_v8_frame v8[kTraceV8Frames];
  };
};
PLUMB_ABI_ASSERT(kTracePythonFrames * sizeof(struct trace_python_frame) ==
                     kTraceV8Frames * sizeof(struct trace_v8_frame),
                 "the interpreters' frames");

/* A record without such frames and without a copy ends before them: it is a third as long. */
enum {
  kTraceShortStack =
      sizeof(struct trace_stack) - kTracePythonFrames * sizeof(struct trace_python_frame)
};

struct trace_stack_copy {
  struct trace_stack stack;
  __u8 bytes[kTraceCopyBytes];
};

/* Fork, exec, exit and unshare. */
struct trace_process {
  struct trace_event head;
  __u32 table;     /* the new one; at exit the one that ended */
  __u32 old_table; /* the one before; at exit 0 */
  __s32 parent;    /* fork: the parent's number */
  __s32 status;    /* exit: as wait(2) reports it */
  __u64 start;     /* of the process */
  char name[16];
};

enum trace_closed_why {
  kTraceClosedWanted,  /* a listener, or all closes were asked for */
  kTraceClosedAgain,   /* close(), read(), … of a number that was closed already: EBADF */
  kTraceClosedSuspect, /* of an origin with such closes: who closes it in the first place */
};

struct trace_closed {
  struct trace_event head;
  struct trace_holding_key key;
  struct trace_holding holding;
  __u32 closer; /* origin number of the stack that closed it; kTraceStackLost: not known */
  __u16 call;   /* how: close, dup2, close_range; 0xffff: its number was taken again unseen */
  __u16 why;    /* trace_closed_why */
};

struct trace_listener {
  struct trace_event head;
  struct trace_holding_key key;
  __u64 file;
  __u16 family;
  __u16 port; /* host order; 0 for other families */
  __u8 address[16];
  __u32 pad;
};

/* Where something was missed; index of the losses array. */
enum trace_loss {
  kTraceLossHoldings,  /* the ledger was full: a holding is missing */
  kTraceLossStacks,    /* the ring or the origins were full: a stack is missing */
  kTraceLossEvents,    /* the ring was full: a process event is missing */
  kTraceLossProcesses, /* no room for a target: a child is not followed */
  kTraceLossControl,   /* more descriptors in one message than are taken: the survey finds them */
  kTraceLosses
};

/* Counts of what the surveys had to put right. */
enum trace_repair {
  kTraceRepairFound,     /* open, and no hook had seen it come */
  kTraceRepairInherited, /* found in a child's table, and its parent's has the origin */
  kTraceRepairReplaced,  /* another file stood at the number */
  kTraceRepairGone,      /* no longer open, and no hook had seen it go */
  kTraceRepairs
};

/* One turn of the program that forgets a holding, unless it was replaced meanwhile. */
struct trace_forget {
  struct trace_holding_key key;
  __u64 born;
};

/* The same for a resource: what is left of it is `bytes`; 0 forgets it. */
struct trace_trim {
  struct trace_resource_key key;
  __u64 born;
  __u64 bytes;
  __u32 forget;
  __u32 pad;
};

/* Gives a child's row to the table that its parent has since an exec. */
struct trace_adopt {
  struct trace_resource_key key;
  __u32 table;
  __u32 pad;
};

#ifdef __cplusplus
}  // namespace plumb::detect::abi
#endif
#undef PLUMB_ABI_ASSERT
#endif
