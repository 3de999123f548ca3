"""Git's clean and smudge filter: files become pointers, pointers become files.

`process.serve` is the long-running filter that Git starts once per command;
`clean` and `smudge` do a single file for tools that call them so. `populate`
puts content straight into the working tree, past Git's memory.
"""
