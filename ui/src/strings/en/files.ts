// SPDX-License-Identifier: MIT
//
// files: the files of an overlay, and their uploads.

import { plural } from "./plural";

export const files = {
  title: "Files",
  path: "Path",
  root: "top",
  empty: "Nothing here yet",
  emptyHint: "Drop files or folders here, or use the buttons above.",
  newFolder: "New folder",
  newFile: "New file",
  newHint: "Folders in it are made: a/b.txt",
  move: "Move or rename",
  moveTo: "New path",
  moveHint: "From the top on, such as left4dead2/addons/my.vpk",
  deleteTitle: "Delete it?",
  deleteFile: (path: string) => `${path} goes.`,
  deleteDir: (path: string) => `${path} goes, with all that is in it.`,
  downloadOf: (name: string) => `Download ${name}`,
  actionsOf: (name: string) => `Actions for ${name}`,
  zip: "ZIP",
  more: "Show more",
  used: (size: string, n: number) =>
    `${size} in ${plural(n, "entry", "entries")} altogether. Build it, so that servers see what has changed.`,
  saved: "Saved. Build the overlay, so that servers see it.",
  backToList: "Back to the files",
} as const;

export const uploads = {
  title: "Uploads",
  files: "Upload files",
  folder: "Upload a folder",
  replacing: "Uploads replace files that are there",
  replace: "Replace it",
  cancel: (path: string) => `Cancel the upload of ${path}`,
  summary: (done: number, n: number) => `${done} of ${plural(n, "file", "files")} uploaded`,
  bytes: (sent: string, total: string) => `${sent} of ${total}`,
  others: (n: number) => `and ${n} more`,
  states: {
    waiting: "waiting",
    sending: "on its way",
    done: "uploaded",
    failed: "failed",
    cancelled: "cancelled",
  },
  archive: "Unpack an archive",
  archiveRun: "Upload and unpack",
  archiveFile: "Archive",
  archiveHint: "ZIP, 7z, RAR or tar. It is unpacked here; files that are there are replaced.",
  chooseArchive: "Choose an archive first.",
  strip: "Leave out its top directory",
  stripHint: "If everything in it is in one directory.",
  extracted: (name: string) => `${name} is unpacked. Build the overlay, so that servers see it.`,
} as const;
