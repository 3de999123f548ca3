"""The texts of the two manual pages that belong to no single command."""

NAME = "git-mlvers"
SUMMARY = "Large files in plain Git, kept in a place of your own"

HELP = """
## Synopsis

    git mlvers COMMAND [OPTION…] [ARGUMENT…]
    git mlvers help [COMMAND]

## Description

git-mlvers keeps the content of large files, data sets and models outside of Git,
and a small text in its place, called a pointer, inside. The content goes to a
place of your own: a bucket of a cloud, or a directory. Git's own commands do the
rest: `git add` takes content into a local cache, `git push` sends it before the
commits that need it, `git clone`, `git checkout` and `git pull` bring it.

    git mlvers install                                  # once per user
    cd project
    git mlvers init
    git mlvers track '*.bin' 'data/**'
    git mlvers remote add -d storage s3://bucket/prefix
    git add .gitattributes .mlversconfig .
    git commit -m "data"
    git push

Without a remote for content, a git remote that is a path of this machine keeps
the content beside itself, so that a first try needs no set-up.

## Words

- **pointer**: the text that Git stores in place of a large file.
- **cache**: the content that this machine has, under `.git/mlvers`.
- **remote**: a place for content. A remote of Git itself is called a git remote.

## Configuration

The committed file `.mlversconfig`, at the top of the working tree, says where the
content is. It is in the format of git config, and can hold only `mlvers.remote`,
`mlvers.fetchInclude`, `mlvers.fetchExclude` and, of a remote, `url`, `endpointurl`,
`region` and `anon`. The same keys in git config take precedence over it.

- `mlvers.remote`: the remote that is used when none is named.
- `mlvers.remote.NAME.url`: the address of the remote NAME.
- `mlvers.remote.NAME.endpointurl`, `.region`, `.anon`, `.profile`: how to reach it.
- `mlvers.remote.NAME.accesskeyid`, `.secretaccesskey`, `.sessiontoken`, and the \
secrets of other clouds: only in git config. Without them the cloud's own places count \
(its environment variables and files).
- `mlvers.trust.NAME.location`: written by `git mlvers remote trust`.
- `mlvers.cacheDir`: a cache shared by several repositories. A relative path starts \
at the common git directory.
- `mlvers.cacheLink`: how files come from the cache: `auto` (a reflink, else a copy), \
`copy`, or `hardlink`.
- `mlvers.fetchInclude`, `mlvers.fetchExclude`: patterns of paths whose content is, or \
is not, wanted; several are separated by commas.
- `mlvers.skipSmudge`: leave pointers in the working tree. Default: false.
- `mlvers.strict`: fail a checkout when content is missing. Default: false, and true \
where the environment has `CI`.
- `mlvers.populateMin`: from this size on, a file is put into the working tree \
directly, not through git. Default: 8m.
- `mlvers.pruneDays`: `prune` keeps what commits of so many days need. Default: 7.
- `mlvers.gcGrace`: so long `gc --remote` leaves what it has marked for deletion. Default: 7d.
- `mlvers.autostage`: `repro` and `commit` stage the outputs of stages and \
`mlvers.lock`. Default: true.
- `mlvers.concurrency`: how many transfers run at once.
- `mlvers.fsync`: make the cache survive a power failure. Default: true.
- `mlvers.hooks`: put the hooks into a repository at the filter's first use there. \
Default: true.
- `mlvers.notes`: record params and metrics on commits. Default: true.
- `mlvers.program`: the installed program, where `PATH` does not lead to it. Written by \
`install` and `init`.

## Environment

- `MLVERS_SKIP_SMUDGE`, `MLVERS_STRICT`, `MLVERS_CACHE_DIR`: take precedence over \
`mlvers.skipSmudge`, `mlvers.strict` and `mlvers.cacheDir`.
- `MLVERS_DEBUG`: when set, errors come with the trace of the program.
- `MLVERS_IN_HOOK`: set by a hook while it works, so that it does not start itself again.
"""

EXIT_CODES = """
- `0`: done.
- `1`: failed, or a check found something.
- `2`: the command line, or a configured value, is not usable.
- `3`: not inside of a Git repository.
- `4`: content is neither in the cache nor on a remote.
- `5`: a remote refused, failed, or could not be reached.
- `6`: damaged bytes in the cache or on a remote.
- `7`: the local disk is full, read-only, or fails.
- `70`: a fault of the program itself; it names the file with the report.
- `130`: interrupted by Ctrl-C.
"""

HELPER_NAME = "git-remote-mlvers"
HELPER_SUMMARY = "The remote helper for addresses that begin with mlvers::"

HELPER_HELP = """
## Synopsis

    git-remote-mlvers REPOSITORY [URL]

## Description

Git starts this program by itself for a git remote whose address begins with
`mlvers::`. What follows is either any address that Git knows, whose own transport
is used as it is; or a store without a Git server, that keeps commits and content:
`s3://bucket/prefix`, or a directory in which there is no repository.

A clone finds the filter, the merge driver and the hooks set up; a push sends content
before any ref moves, and shows the refs as rejected when that cannot be done.

It speaks the protocol of gitremote-helpers(7) on its standard input and output. There
is no reason to start it by hand.

## Examples

    git clone mlvers::https://host/team/project.git
    git clone mlvers::s3://bucket/project
    git remote add store mlvers::/mnt/share/project
"""
