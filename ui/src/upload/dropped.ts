// SPDX-License-Identifier: MIT

// dropped: the files of what was dropped on the page, those in folders as well.

export interface Dropped {
  path: string;
  file: File;
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

/** A reader tells a part of a large folder at a time. */
async function childrenOf(entry: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = entry.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return all;
    all.push(...some);
  }
}

async function walk(entry: FileSystemEntry, into: Dropped[]): Promise<void> {
  if (entry.isFile)
    into.push({ path: entry.fullPath.slice(1), file: await fileOf(entry as FileSystemFileEntry) });
  else
    for (const child of await childrenOf(entry as FileSystemDirectoryEntry))
      await walk(child, into);
}

export async function droppedFiles(data: DataTransfer): Promise<Dropped[]> {
  const entries = [...data.items]
    .map((item) => item.webkitGetAsEntry())
    .filter((entry): entry is FileSystemEntry => entry !== null);
  const files: Dropped[] = [];
  for (const entry of entries) await walk(entry, files);
  return files;
}

/** Of a file field; with `webkitdirectory` each file knows its path. */
export function chosenFiles(list: FileList | null): Dropped[] {
  return [...(list ?? [])].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}
