package datacoolie.spark;

import io.delta.storage.HadoopFileSystemLogStore;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.util.Iterator;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FSDataOutputStreamBuilder;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.s3a.RemoteFileChangedException;

/** Commits to Delta tables on S3 by conditional writes, as delta-rs does: of any number of writers one wins. */
public final class S3LogStore extends HadoopFileSystemLogStore {
  private static final String IF_ABSENT = "fs.option.create.conditional.overwrite";

  public S3LogStore(Configuration conf) {
    super(conf);
  }

  @Override
  public void write(Path path, Iterator<String> actions, Boolean overwrite, Configuration conf) throws IOException {
    StringBuilder text = new StringBuilder();
    actions.forEachRemaining(action -> text.append(action).append('\n'));
    FSDataOutputStreamBuilder<?, ?> file = path.getFileSystem(conf).createFile(path).overwrite(true);
    if (!overwrite) {
      file.must(IF_ABSENT, true); // fails where S3A has no conditional writes
    }
    try {
      FSDataOutputStream out = (FSDataOutputStream) file.build();
      out.write(text.toString().getBytes(StandardCharsets.UTF_8));
      out.close(); // which uploads: so not after a write that failed
    } catch (RemoteFileChangedException taken) {
      throw (IOException) new FileAlreadyExistsException(path.toString()).initCause(taken);
    }
  }

  @Override
  public Boolean isPartialWriteVisible(Path path, Configuration conf) {
    return false;
  }
}
