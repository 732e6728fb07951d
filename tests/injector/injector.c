/* Makes one MPI call of one rank fail, or come late.
 *
 * A shared object for LD_PRELOAD. It defines every MPI function that pshmem/src/transport/mpi calls, counts the calls of one rank, and
 * passes all of them on to the PMPI function of the same name (MPI standard, section 15.2) but for the chosen one. The program
 * below it is not changed. `cargo xtask test` compiles it with each MPI library's compiler and runs the program `injected` with it.
 *
 * Environment of the ranks (not of the launcher, which must not load this object):
 *   INJECT_RANK      rank in MPI_COMM_WORLD whose calls are counted, or `all`
 *   INJECT_CALL      number of the chosen call, from 1
 *   INJECT_KIND      count       only prints each call as it is made
 *                    fail        the chosen call is not made; it returns MPI_ERR_OTHER
 *                    fail-after  it is made, and returns MPI_ERR_OTHER then
 *                    late        it is made after one second
 *   INJECT_FUNCTION  counts the calls of this function only, as in MPI_Isend
 *
 * How often a waiting rank polls is chance. A poll (MPI_Test) therefore counts only if it has found something, unless
 * INJECT_FUNCTION names it; it has been made by then, so `fail` and `fail-after` are the same for it.
 */
#include <mpi.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum kind { NOTHING, COUNT, FAIL, FAIL_AFTER, LATE };

static const char *const NAMES[] = {"", "count", "fail", "fail-after", "late"};

static enum kind kind = NOTHING;
static int rank = -1;
static long chosen;
static const char *function;
static atomic_long calls;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void stop(const char *what) {
    dprintf(STDERR_FILENO, "inject: %s\n", what);
    _exit(99);
}

/* Reads the environment at the first call of this rank, when MPI has been started. */
static void set_up(void) {
    const char *of_rank = getenv("INJECT_RANK");
    const char *number = getenv("INJECT_CALL");
    const char *name = getenv("INJECT_KIND");
    if (!of_rank || !name)
        stop("INJECT_RANK and INJECT_KIND must be set");
    PMPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (strcmp(of_rank, "all") != 0 && rank != atoi(of_rank))
        return;
    for (enum kind each = COUNT; each <= LATE; each++)
        if (strcmp(name, NAMES[each]) == 0)
            kind = each;
    if (kind == NOTHING)
        stop("INJECT_KIND is count, fail, fail-after or late");
    if (kind != COUNT && !number)
        stop("INJECT_CALL must be set");
    chosen = number ? atol(number) : 0;
    function = getenv("INJECT_FUNCTION");
}

/* Counts a call, and tells what has to happen to it. A late one has been delayed on return. */
static enum kind count(const char *name) {
    pthread_once(&once, set_up);
    if (kind == NOTHING || (function && strcmp(function, name) != 0))
        return NOTHING;
    long call = atomic_fetch_add(&calls, 1) + 1;
    if (kind == COUNT)
        dprintf(STDERR_FILENO, "inject: call %ld %s\n", call, name);
    if (kind == COUNT || call != chosen)
        return NOTHING;
    dprintf(STDERR_FILENO, "inject: rank %d call %ld %s %s\n", rank, call, name, NAMES[kind]);
    if (kind == LATE)
        sleep(1);
    return kind;
}

/* Whether every call of a function that polls is counted. */
static int counts_every(const char *name) {
    pthread_once(&once, set_up);
    return function && strcmp(function, name) == 0;
}

#define CALL(name, parameters, arguments)                     \
    int MPI_##name parameters {                               \
        enum kind what = count("MPI_" #name);                 \
        if (what == FAIL)                                     \
            return MPI_ERR_OTHER;                             \
        int code = PMPI_##name arguments;                     \
        return what == FAIL_AFTER ? MPI_ERR_OTHER : code;     \
    }

#define POLL(name, parameters, arguments, flag)               \
    int MPI_##name parameters {                               \
        int every = counts_every("MPI_" #name);               \
        enum kind what = every ? count("MPI_" #name) : NOTHING; \
        if (what == FAIL)                                     \
            return MPI_ERR_OTHER;                             \
        int code = PMPI_##name arguments;                     \
        if (!every && code == MPI_SUCCESS && *flag)           \
            what = count("MPI_" #name);                       \
        return what == FAIL || what == FAIL_AFTER ? MPI_ERR_OTHER : code; \
    }

CALL(Get_processor_name, (char *name, int *len), (name, len))
CALL(Query_thread, (int *provided), (provided))

CALL(Comm_create_keyval,
     (MPI_Comm_copy_attr_function *copy, MPI_Comm_delete_attr_function *delete, int *key, void *extra),
     (copy, delete, key, extra))
CALL(Comm_set_attr, (MPI_Comm comm, int key, void *value), (comm, key, value))

CALL(Comm_rank, (MPI_Comm comm, int *of), (comm, of))
CALL(Comm_size, (MPI_Comm comm, int *size), (comm, size))
CALL(Comm_dup, (MPI_Comm comm, MPI_Comm *new), (comm, new))
CALL(Comm_set_errhandler, (MPI_Comm comm, MPI_Errhandler handler), (comm, handler))
CALL(Comm_split_type, (MPI_Comm comm, int type, int key, MPI_Info info, MPI_Comm *new), (comm, type, key, info, new))
CALL(Comm_group, (MPI_Comm comm, MPI_Group *group), (comm, group))
CALL(Group_incl, (MPI_Group group, int n, const int *ranks, MPI_Group *new), (group, n, ranks, new))
CALL(Group_free, (MPI_Group *group), (group))
CALL(Comm_create_group, (MPI_Comm comm, MPI_Group group, int tag, MPI_Comm *new), (comm, group, tag, new))
CALL(Comm_free, (MPI_Comm *comm), (comm))

CALL(Allreduce, (const void *from, void *to, int n, MPI_Datatype type, MPI_Op op, MPI_Comm comm),
     (from, to, n, type, op, comm))
CALL(Allgather,
     (const void *from, int n, MPI_Datatype type, void *to, int m, MPI_Datatype type_to, MPI_Comm comm),
     (from, n, type, to, m, type_to, comm))
CALL(Bcast, (void *bytes, int n, MPI_Datatype type, int root, MPI_Comm comm), (bytes, n, type, root, comm))
CALL(Iallreduce,
     (const void *from, void *to, int n, MPI_Datatype type, MPI_Op op, MPI_Comm comm, MPI_Request *request),
     (from, to, n, type, op, comm, request))
CALL(Ibarrier, (MPI_Comm comm, MPI_Request *request), (comm, request))

CALL(Isend, (const void *from, int n, MPI_Datatype type, int to, int tag, MPI_Comm comm, MPI_Request *request),
     (from, n, type, to, tag, comm, request))
CALL(Issend, (const void *from, int n, MPI_Datatype type, int to, int tag, MPI_Comm comm, MPI_Request *request),
     (from, n, type, to, tag, comm, request))
CALL(Irecv, (void *to, int n, MPI_Datatype type, int from, int tag, MPI_Comm comm, MPI_Request *request),
     (to, n, type, from, tag, comm, request))
CALL(Get_count, (const MPI_Status *status, MPI_Datatype type, int *n), (status, type, n))
CALL(Cancel, (MPI_Request *request), (request))
POLL(Test, (MPI_Request *request, int *flag, MPI_Status *status), (request, flag, status), flag)

CALL(Win_allocate_shared, (MPI_Aint size, int unit, MPI_Info info, MPI_Comm comm, void *base, MPI_Win *win),
     (size, unit, info, comm, base, win))
CALL(Win_shared_query, (MPI_Win win, int of, MPI_Aint *size, int *unit, void *base), (win, of, size, unit, base))
CALL(Win_allocate, (MPI_Aint size, int unit, MPI_Info info, MPI_Comm comm, void *base, MPI_Win *win),
     (size, unit, info, comm, base, win))
CALL(Win_set_errhandler, (MPI_Win win, MPI_Errhandler handler), (win, handler))
CALL(Win_lock_all, (int assertion, MPI_Win win), (assertion, win))
CALL(Win_unlock_all, (MPI_Win win), (win))
CALL(Win_flush, (int of, MPI_Win win), (of, win))
CALL(Win_free, (MPI_Win *win), (win))

CALL(Fetch_and_op, (const void *from, void *to, MPI_Datatype type, int of, MPI_Aint at, MPI_Op op, MPI_Win win),
     (from, to, type, of, at, op, win))
CALL(Compare_and_swap,
     (const void *from, const void *expected, void *to, MPI_Datatype type, int of, MPI_Aint at, MPI_Win win),
     (from, expected, to, type, of, at, win))
CALL(Get,
     (void *to, int n, MPI_Datatype type, int of, MPI_Aint at, int m, MPI_Datatype type_of, MPI_Win win),
     (to, n, type, of, at, m, type_of, win))
CALL(Put,
     (const void *from, int n, MPI_Datatype type, int of, MPI_Aint at, int m, MPI_Datatype type_of, MPI_Win win),
     (from, n, type, of, at, m, type_of, win))
CALL(Accumulate,
     (const void *from, int n, MPI_Datatype type, int of, MPI_Aint at, int m, MPI_Datatype type_of, MPI_Op op, MPI_Win win),
     (from, n, type, of, at, m, type_of, op, win))
