// Azurite lists all blobs although a request asks with `startFrom` only for those from a name on, as delta-rs does
// when it looks for the newest entries of a log. Azure has that parameter; here it is added.
"use strict";
const path = require("node:path");
const handler = require(path.join(path.dirname(process.argv[1]), "handlers/ContainerHandler.js")).default;
const list = handler.prototype.listBlobFlatSegment;

handler.prototype.listBlobFlatSegment = async function (options, context) {
  const answer = await list.call(this, options, context);
  const first = context.request.getQuery("startFrom") || "";
  answer.segment.blobItems = answer.segment.blobItems.filter((blob) => blob.name >= first);
  return answer;
};
