use crate::prelude::*;

pub static SLEEP: Command = Command {
    name: "sleep",
    category: Category::Core,
    summary: "Waits for some time; ctrl-c ends it",
    params: &[
        Param::required("time", Takes::Type("duration"), "How long"),
        Param::rest("more", Takes::Type("duration"), "And how much more"),
    ],
    io: &[("any", "nothing")],
    examples: &[try_it("A moment", "sleep 100ms")],
    search: &["wait", "delay"],
    infer: Some(|_| Some(Type::Nothing)),
    run: |call, _| {
        let mut time: std::time::Duration = call.required("time")?;
        for more in call.rest::<std::time::Duration>("more")? {
            time = time.saturating_add(more);
        }
        call.context().block_on(async move { tokio::time::sleep(time).await })?;
        Ok(Data::Empty)
    },
    ..Command::DEFAULT
};
