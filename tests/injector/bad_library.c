/* An MPI library with the standard ABI that is bad in one way.
 *
 * It is linked with a library that is good, and passes on to that all functions but those below: the dynamic linker looks for a
 * function in what a library is linked with, too. `cargo xtask test` compiles it, and names it in PSHMEM_MPI_LIBRARY.
 *
 * Environment:
 *   BAD_LIBRARY  init         MPI_Init_thread fails
 *                draft        has version 0.9 of the ABI
 *                level        has the thread level MPI_THREAD_FUNNELED at most
 *                no-name      MPI_Get_library_version fails
 *                other-name   says that it is another library
 *                no-windows   MPI_Win_allocate_shared fails
 *   BAD_RANK     the only process of the launcher on which it is bad; without it, all are
 */
#include <mpi_abi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int is(const char *way) {
    const char *chosen = getenv("BAD_LIBRARY");
    const char *only = getenv("BAD_RANK");
    const char *rank = getenv("PMI_RANK");
    if (!chosen || strcmp(chosen, way) != 0)
        return 0;
    return !only || (rank && strcmp(only, rank) == 0);
}

int MPI_Init_thread(int *argc, char ***argv, int required, int *provided) {
    if (is("init"))
        return MPI_ERR_OTHER;
    return PMPI_Init_thread(argc, argv, is("level") ? MPI_THREAD_FUNNELED : required, provided);
}

int MPI_Abi_get_version(int *major, int *minor) {
    if (!is("draft"))
        return PMPI_Abi_get_version(major, minor);
    *major = 0;
    *minor = 9;
    return MPI_SUCCESS;
}

int MPI_Get_library_version(char *text, int *len) {
    if (is("no-name"))
        return MPI_ERR_OTHER;
    if (!is("other-name"))
        return PMPI_Get_library_version(text, len);
    *len = sprintf(text, "Another MPI 1.0");
    return MPI_SUCCESS;
}

int MPI_Win_allocate_shared(MPI_Aint size, int unit, MPI_Info info, MPI_Comm comm, void *base, MPI_Win *win) {
    if (is("no-windows"))
        return MPI_ERR_RMA_SHARED;
    return PMPI_Win_allocate_shared(size, unit, info, comm, base, win);
}
